// Updates of parameters, each one pass over all of them.
#pragma once
#include <cmath>

#include "kernels/machine/machine.h"

namespace tweed {

/// The numbers of one step of an optimizer. Kernels read them from device memory, where they may
/// change between the replays of a recorded step.
struct StepNumbers {
  double v[8] = {};
};

/// Stochastic gradient descent as in PyTorch, without dampening.
struct Sgd {
  double lr = 0.1, momentum = 0, weight_decay = 0;

  StepNumbers numbers() const { return {{lr, momentum, weight_decay}}; }
};

/// g = grad + weight_decay w;  v = momentum v + g;  w -= lr v, or lr (g + momentum v) with Nesterov
///
/// @param numbers   of an Sgd
/// @param grad      G is T, or bf16 beside float weights
/// @param velocity  v, zeros before the first step; may be empty without momentum
template <class M, class G, class T>
void sgd_step(M&, bool nesterov, Span<const double> numbers, Span<const G> grad, Span<T> velocity,
              Span<T> weight);

/// Adam as in PyTorch; see optim/adam.h.
struct AdamRule {
  double lr = 1e-3, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0;
  bool decoupled = false;  ///< AdamW: weights decay by lr * weight_decay, gradients do not

  /// @param step  counts from 1
  StepNumbers numbers(int64_t step) const {
    const double correction1 = 1 - std::pow(beta1, double(step)),
                 correction2 = 1 - std::pow(beta2, double(step));
    return {{lr / correction1, 1 - beta1, 1 - beta2, 1 / std::sqrt(correction2), eps,
             decoupled ? 0 : weight_decay, decoupled ? lr * weight_decay : 0}};
  }
};

/// m = beta1 m + (1 - beta1) g;  v = beta2 v + (1 - beta2) g^2;
/// w -= lr m / (1 - beta1^step) / (sqrt(v / (1 - beta2^step)) + eps)
///
/// @param numbers        of an AdamRule
/// @param grad           G is T, or bf16 beside float weights
/// @param first, second  m and v, zeros before the first step
template <class M, class G, class T>
void adam_step(M&, Span<const double> numbers, Span<const G> grad, Span<T> first, Span<T> second,
               Span<T> weight);

/// average += (1 - decay) (weight - average)
template <class M, class T>
void average_step(M&, double decay, Span<const T> weight, Span<T> average);

/// Elements of scratch that sum_of_squares() needs for n elements.
constexpr int64_t sum_of_squares_scratch(int64_t n) {
  const int64_t slabs = ceil_div(n, 4096);
  return slabs < 1024 ? slabs : 1024;
}
/// result[0] = the sum of x^2, the same bits on every grid.
template <class M, class T>
void sum_of_squares(M&, Span<const T> x, Span<acc_t<T>> scratch, Span<acc_t<T>> result);

/// x *= min(1, most / (norm + 1e-6)) with norm = sqrt(square[0]): PyTorch's clip_grad_norm_.
/// norm[0] = the norm before.
template <class M, class T>
void clip_norm(M&, double most, Span<const acc_t<T>> square, Span<acc_t<T>> norm, Span<T> x);

}  // namespace tweed
