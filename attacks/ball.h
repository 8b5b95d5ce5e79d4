// The balls of L2 and L1 around an image: steps in them, and the way back into them. Changes are in
// units of eps, (N, H, W, 3). (Linf has kernels of its own, kernels/attack.h.)
#pragma once
#include "attacks/rows.h"
#include "attacks/space.h"

namespace tweed {

/// The change of size 1 that goes furthest along the gradient: in L2 its direction; in L1 the signs
/// of the hundredth of its values that are largest. 0 where the gradient is 0.
/// Source: Madry et al. 2017, arXiv:1706.06083 (L2); Tramer, Boneh 2019, arXiv:1904.13000 (L1)
Tensor direction(const Tensor& gradient, Norm norm);

/// The change brought back to the radius; values of `change` that leave [least, most] are cut. L2:
/// made shorter, then cut. L1: the nearest point of the ball and the box together, for which all
/// values shrink by one number, found by bisection.
/// Source: Duchi et al. 2008 (the L1 ball); Croce, Hein 2021, arXiv:2103.01208 (with the box)
Tensor into_ball(const Tensor& change, const Tensor& least, const Tensor& most, double radius,
                 Norm norm);

/// A random direction, of a size that is uniform in [0, radius), or `radius` itself.
Tensor random_change(const Tensor& like, double radius, Norm norm, Draws& draws, bool on_surface);

}  // namespace tweed
