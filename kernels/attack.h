// Steps of attacks inside a box around each image: the kernels of FGSM and PGD in the L-inf norm.
#pragma once
#include "kernels/machine/machine.h"
#include "kernels/philox.h"

namespace tweed {

/// Where attacked images may be, each a vector over C channels in the images' own (normalised)
/// space: within eps of the original, and within [lo, hi], which wins where the two disagree.
template <class T>
struct AttackBox {
  Span<const T> eps, lo, hi;
};
/// x_adv = project(x_adv + step * sign(grad)), where sign(0) and sign(NaN) are 0. The projection is
/// exact: the largest and smallest representable values within eps of x0 are the bounds.
///
/// @param x0, grad, x_adv  (rows, C)
/// @param step             (C); negative to go down
/// @throws DeviceError     if the vectors do not fit into shared memory: at 3,000 channels they do
template <class M, class T>
void sign_step(M&, Span<const T> x0, Span<const T> grad, Span<const T> step, const AttackBox<T>&,
               Span<T> x_adv);

/// x_adv = project(x0 + eps * u), u uniform in [-1, 1): number i of the key for element i.
template <class M, class T>
void random_start(M&, const ClockedKey&, Span<const T> x0, const AttackBox<T>&, Span<T> x_adv);

}  // namespace tweed
