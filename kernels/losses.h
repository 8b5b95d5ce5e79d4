// Losses between two tensors, and the margin between a class and the others.
#pragma once
#include "kernels/machine/machine.h"

namespace tweed {

/// f(x, y) of two elements.
enum class PairLoss : uint8_t {
  squared_difference,  ///< (x - y)^2
  divergence,          ///< y (log y - x), 0 log 0 being 0
};

/// Elements that one sum of pair_loss_forward() covers: a shared length, so that the result does
/// not depend on grid or threads.
constexpr int64_t pair_loss_piece = 4096;

/// partial[i] = the sum of f(x, y) over the i-th piece. @param partial  as many as there are pieces
template <class M, class T>
void pair_loss_forward(M&, PairLoss, Span<const T> x, Span<const T> y, Span<acc_t<T>> partial);
/// d = df/dx, or df/dy for `second`, times dloss[0] / divisor; NaN for a divergence at y = 0.
template <class M, class T>
void pair_loss_backward(M&, PairLoss, bool second, double divisor, Span<const T> x, Span<const T> y,
                        Span<const T> dloss, Span<T> d);

/// p[row, c] = 1 - share[row] if c is first[row], plus share[row] if it is second[row]; else 0.
/// @param p  (rows, classes)
template <class M, class T>
void mix_labels(M&, Span<const int32_t> first, Span<const int32_t> second, Span<const float> share,
                Span<T> p);

constexpr int64_t margin_classes = int64_t(1) << 24;

/// loss[row] = max(m, -kappa), where m is x[row]'s target minus its largest other, or for `towards`
/// the largest other minus the target.
///
/// @param x      (rows, classes), at most margin_classes of them: float holds their indexes
/// @param rival  (rows): the first of the largest others, or -1 where the gradient is 0 since
///               m < -kappa, m is NaN, or the target is out of range (which makes the loss NaN)
template <class M, class T>
void margin_loss_forward(M&, bool towards, double kappa, Span<const T> x,
                         Span<const int32_t> target, Span<acc_t<T>> loss, Span<int32_t> rival);
/// dx = dloss[0] / rows at the target and minus that at the rival, or the opposite for `towards`.
template <class M, class T>
void margin_loss_backward(M&, bool towards, Span<const int32_t> target, Span<const int32_t> rival,
                          Span<const T> dloss, Span<T> dx);

}  // namespace tweed
