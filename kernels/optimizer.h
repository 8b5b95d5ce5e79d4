// Updates of parameters, each one pass over all of them.
#pragma once
#include <cmath>

#include "kernels/machine/machine.h"

namespace tweed {

/// The numbers of one step of an optimizer. Kernels read them from device memory, where they may
/// change between the replays of a recorded step.
struct StepNumbers {
  static constexpr int64_t count = 12;
  double v[count] = {};
};

/// Stochastic gradient descent as in PyTorch.
struct Sgd {
  double lr = 0.1, momentum = 0, weight_decay = 0;
  double fresh = 1;  ///< the part of a gradient that goes into v: 1 - dampening

  StepNumbers numbers() const { return {{lr, momentum, weight_decay, fresh}}; }
};

/// g = grad + weight_decay w;  v = momentum v + fresh g;
/// w -= lr v, or lr (g + momentum v) with Nesterov
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

/// RMSprop as in PyTorch; see optim/rmsprop.h.
struct RmsPropRule {
  double lr = 0.01, alpha = 0.99, eps = 1e-8, weight_decay = 0, momentum = 0;

  StepNumbers numbers() const { return {{lr, 1 - alpha, eps, weight_decay, momentum}}; }
};

/// g = grad + weight_decay w;  s = alpha s + (1 - alpha) g^2;  m = alpha m + (1 - alpha) g;
/// b = momentum b + g / (sqrt(s - m^2) + eps);  w -= lr b
///
/// @param numbers  of an RmsPropRule
/// @param grad     G is T, or bf16 beside float weights
/// @param square, mean, momentum  s, m and b, zeros before the first step; where mean is empty, m
///                                is 0
template <class M, class G, class T>
void rmsprop_step(M&, Span<const double> numbers, Span<const G> grad, Span<T> square, Span<T> mean,
                  Span<T> momentum, Span<T> weight);

/// Lion; see optim/lion.h.
struct LionRule {
  double lr = 1e-4, beta1 = 0.9, beta2 = 0.99, weight_decay = 0;

  StepNumbers numbers() const { return {{lr, 1 - beta1, 1 - beta2, lr * weight_decay}}; }
};

/// w -= lr (sign(beta1 m + (1 - beta1) g) + weight_decay w);  m = beta2 m + (1 - beta2) g
///
/// @param numbers  of a LionRule
/// @param grad     g; G is T, or bf16 beside float weights
/// @param first    m, zeros before the first step
template <class M, class G, class T>
void lion_step(M&, Span<const double> numbers, Span<const G> grad, Span<T> first, Span<T> weight);

/// Muon for matrices, and AdamW for the rest; see optim/muon.h.
struct MuonRule {
  double lr = 0.02, momentum = 0.95, weight_decay = 0;
  AdamRule adam;  ///< of the rest

  /// Adam's numbers are the first, muon_first those behind them.
  StepNumbers numbers(int64_t step) const;
};
constexpr int64_t muon_first = 7;
inline StepNumbers MuonRule::numbers(int64_t step) const {
  StepNumbers all = adam.numbers(step);
  const double own[] = {lr, 1 - momentum, lr * weight_decay};
  for (int64_t i = 0; i < 3; ++i) all.v[muon_first + i] = own[i];
  return all;
}

/// m = momentum m + (1 - momentum) g;  update = m, or (1 - momentum) g + momentum m with Nesterov
///
/// @param numbers  of a MuonRule
/// @param grad     g; G is T, or bf16 beside float weights
/// @param first    m, zeros before the first step
template <class M, class G, class T>
void muon_momentum(M&, bool nesterov, Span<const double> numbers, Span<const G> grad, Span<T> first,
                   Span<T> update);
/// x /= max(eps, sqrt(square[0]))
template <class M, class T>
void divide_by_norm(M&, double eps, Span<const acc_t<T>> square, Span<T> x);
/// y = a x + b y
template <class M, class T>
void weighted_sum(M&, double a, Span<const T> x, double b, Span<T> y);
/// w -= lr (ratio update + weight_decay w)
/// @param numbers  of a MuonRule
template <class M, class T>
void muon_apply(M&, double ratio, Span<const double> numbers, Span<const T> update, Span<T> weight);

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
