// Updates of parameters, each one pass over all of them.
#pragma once
#include "kernels/machine/machine.h"

namespace tweed {

/// Stochastic gradient descent as in PyTorch, without dampening and Nesterov.
struct Sgd {
  double lr = 0.1, momentum = 0, weight_decay = 0;
};

/// v = momentum v + (grad + weight_decay w);  w -= lr v
///
/// @param velocity  v, zeros before the first step; may be empty without momentum
template <class M, class T>
void sgd_step(M&, const Sgd&, Span<const T> grad, Span<T> velocity, Span<T> weight);

/// Elements of scratch that sum_of_squares() needs for n elements.
constexpr int64_t sum_of_squares_scratch(int64_t n) {
  const int64_t slabs = ceil_div(n, 4096);
  return slabs < 1024 ? slabs : 1024;
}
/// result[0] = the sum of x^2, the same bits on every grid.
template <class M, class T>
void sum_of_squares(M&, Span<const T> x, Span<acc_t<T>> scratch, Span<acc_t<T>> result);

}  // namespace tweed
