// Losses between two tensors, element by element.
#pragma once
#include "kernels/machine/machine.h"

namespace tweed {

/// f(x, y) of two elements; p is a parameter, and w an element of a third tensor, or 1.
enum class PairLoss : uint8_t {
  squared_difference,   ///< (x - y)^2
  absolute_difference,  ///< |x - y|
  smooth_difference,    ///< (x - y)^2 / (2 p) where |x - y| < p, else |x - y| - p / 2
  divergence,           ///< y (log y - x), 0 log 0 being 0
  logistic,             ///< -w y log s(x) - (1 - y) log(1 - s(x)), s(x) = 1 / (1 + exp(-x))
};

/// Elements that one sum of pair_loss_forward() covers: a shared length, so that the result does
/// not depend on grid or threads.
constexpr int64_t pair_loss_piece = 4096;

/// partial[i] = the sum of f(x, y) over the i-th piece. @param partial  as many as there are pieces
template <class M, class T>
void pair_loss_forward(M&, PairLoss, double p, Span<const T> x, Span<const T> y,
                       Span<acc_t<T>> partial);
/// d = df/dx, or df/dy for `second`, times dloss[0] / divisor; NaN for a divergence at y = 0.
template <class M, class T>
void pair_loss_backward(M&, PairLoss, double p, bool second, double divisor, Span<const T> x,
                        Span<const T> y, Span<const T> dloss, Span<T> d);

/// What the elements of pair_loss_each() count with, each as large as x; empty for 1.
template <class T>
struct PairWeights {
  Span<const T> all, positive;  ///< a factor of f, and its w
};
/// loss[i] = all[i] f(x[i], y[i])
template <class M, class T>
void pair_loss_each(M&, PairLoss, double p, Span<const T> x, Span<const T> y, PairWeights<T>,
                    Span<acc_t<T>> loss);
/// d[i] = all[i] df/dx, or df/dy for `second`, times dloss / divisor. @param dloss  (1), or as x
template <class M, class T>
void pair_loss_each_backward(M&, PairLoss, double p, bool second, double divisor, Span<const T> x,
                             Span<const T> y, PairWeights<T>, Span<const T> dloss, Span<T> d);

}  // namespace tweed
