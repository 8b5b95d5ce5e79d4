// FAB, the fast adaptive boundary attack: small changes that just cross a border between classes.
#pragma once
#include "attacks/apgd.h"

namespace tweed {

/// Goes to the border as if the network were linear, a little beyond, and towards the original;
/// each time that it has crossed it returns a tenth of the way. Images that were fooled with a
/// change within eps are those with the smallest that was met; all others are as they were. Norms
/// are Linf and L2. `options.steps` counts.
///
/// @param targets  (N), int32: the border to this class; undefined: the nearest border to
///                 any of the ten likeliest classes
/// @throws Error  for L1
/// Source: Croce, Hein 2019, arXiv:1907.02044
Attempt fab(const PixelView& view, const Tensor& labels, const Tensor& targets);

/// The smallest change in that norm of points x, which keeps x + change in [least, most], after
/// which w . change = c for each image; where none is, the most that brings them near.
/// @param x, w  (N, H, W, 3);  @param c  (N, 1, 1, 1);  @param least, most  broadcast against x
Tensor onto_plane(const Tensor& x, const Tensor& w, const Tensor& c, const Tensor& least,
                  const Tensor& most, Norm norm);

}  // namespace tweed
