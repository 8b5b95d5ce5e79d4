// Softmax, its logarithm, and cross-entropy, over rows of classes.
#pragma once
#include "kernels/machine/machine.h"

namespace tweed {

/// y = softmax(x), or its logarithm. @param x, y  (rows, classes)
template <class M, class T>
void softmax_forward(M&, bool logarithm, int64_t rows, Span<const T> x, Span<T> y);
template <class M, class T>
void softmax_backward(M&, bool logarithm, int64_t rows, Span<const T> y, Span<const T> dy,
                      Span<T> dx);

/// No target is this number: what ignores nothing is given it.
constexpr int64_t no_class = INT64_MIN;

/// loss[row] = -sum over c of q[c] log softmax(x[row])[c], where
///
///   q[c] = weights[c] ((1 - smoothing) p[c] + smoothing / classes)
///
/// and p is 1 at the class `target` of the row, or what `target` says of each class. Rows whose
/// target is `ignored` have a loss of 0, and no gradient.
///
/// @param target   (rows) of int32_t, or (rows, classes) of T; NaN for a class out of range
/// @param weights  (classes), or empty for 1
template <class M, class T, class Target>
void cross_entropy_forward(M&, double smoothing, int64_t ignored, Span<const T> x,
                           Span<const Target> target, Span<const T> weights, Span<acc_t<T>> loss);
/// dx = (softmax(x) sum(q) - q) * dloss / (count * divisor[0]).
///
/// @param dloss    (1), or (rows)
/// @param divisor  (1), or empty for 1
template <class M, class T, class Target>
void cross_entropy_backward(M&, int64_t rows, double count, double smoothing, int64_t ignored,
                            Span<const T> x, Span<const Target> target, Span<const T> weights,
                            Span<const acc_t<T>> divisor, Span<const T> dloss, Span<T> dx);

/// rank[row] = the number of classes placed before the target: those with a larger logit, and those
/// with the same and a smaller index. A NaN is placed before everything, except that a target whose
/// own logit is NaN comes last.
template <class M, class T>
void target_rank(M&, Span<const T> x, Span<const int32_t> target, Span<int32_t> rank);

}  // namespace tweed
