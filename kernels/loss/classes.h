// Losses of rows of classes: by log-probabilities, and by margins between a class and the others.
#pragma once
#include "kernels/machine/machine.h"

namespace tweed {

/// weight[row] = weights[target[row]], or 1 without weights; 0 where the target is `ignored`, and
/// NaN where it is out of range.
template <class M, class T>
void weights_of_targets(M&, int64_t classes, int64_t ignored, Span<const int32_t> target,
                        Span<const T> weights, Span<acc_t<T>> weight);

/// loss[row] = -weight of the target times x[row, target]. See weights_of_targets().
template <class M, class T>
void nll_forward(M&, int64_t ignored, Span<const T> x, Span<const int32_t> target,
                 Span<const T> weights, Span<acc_t<T>> loss);
/// dx = -weight * dloss / (count * divisor[0]) at the target, and 0 elsewhere.
///
/// @param dloss    (1), or (rows)
/// @param divisor  (1), or empty for 1
template <class M, class T>
void nll_backward(M&, double count, int64_t ignored, Span<const int32_t> target,
                  Span<const T> weights, Span<const acc_t<T>> divisor, Span<const T> dloss,
                  Span<T> dx);

/// loss[row] = the sum over all c but the target of max(0, margin - x[target] + x[c]), or of its
/// square, times the target's weight / classes; NaN where the target is out of range.
template <class M, class T>
void multi_margin_forward(M&, bool squared, double margin, Span<const T> x,
                          Span<const int32_t> target, Span<const T> weights, Span<acc_t<T>> loss);
/// @param dloss  (1), or (rows); divided by `count`
template <class M, class T>
void multi_margin_backward(M&, bool squared, double margin, double count, Span<const T> x,
                           Span<const int32_t> target, Span<const T> weights, Span<const T> dloss,
                           Span<T> dx);

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
