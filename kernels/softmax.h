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

/// loss[row] = -log softmax(x[row])[target[row]]; NaN for a target out of range.
template <class M, class T>
void cross_entropy_forward(M&, Span<const T> x, Span<const int32_t> target, Span<acc_t<T>> loss);
/// dx = (softmax(x) - onehot(target)) * dloss[0] / rows
template <class M, class T>
void cross_entropy_backward(M&, Span<const T> x, Span<const int32_t> target, Span<const T> dloss,
                            Span<T> dx);

/// rank[row] = the number of classes placed before the target: those with a larger logit, and those
/// with the same and a smaller index. A NaN is placed before everything, except that a target whose
/// own logit is NaN comes last.
template <class M, class T>
void target_rank(M&, Span<const T> x, Span<const int32_t> target, Span<int32_t> rank);

}  // namespace tweed
