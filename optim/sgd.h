// Stochastic gradient descent over one buffer that holds all parameters.
#pragma once
#include <vector>

#include "nn/module.h"

namespace tweed {

/// Puts all parameters of a network, and their gradients, into one buffer each, so that the
/// optimizer is one kernel over everything. The parameters become views of the buffer; each starts
/// at a multiple of 64 bytes, and the gaps are zero and stay zero.
///
/// Keeps the parameters alive. Make it after Module::to(), and one per network.
class ParameterBuffer {
 public:
  explicit ParameterBuffer(const std::vector<Named>& parameters);
  const std::vector<Named>& parameters() const { return parameters_; }
  const Tensor& values() const { return values_; }
  const Tensor& grads() const { return grads_; }
  /// A new buffer of zeros for one more number per parameter, and its parts under their names.
  Tensor zeros() const { return Tensor::zeros_like(values_); }
  std::vector<Named> parts(const Tensor& buffer) const;

  void zero_grad() const { grads_.zero(); }
  /// The Euclidean norm of all gradients together.
  double grad_norm() const;
  /// Scales all gradients so that their norm is at most `max_norm`. Returns the norm before.
  double clip_grad_norm(double max_norm) const;
  /// Tells the graph that the parameters were changed in place.
  void changed() const;

 private:
  std::vector<Named> parameters_;
  std::vector<int64_t> offsets_;
  Tensor values_, grads_;
};

/// PyTorch's SGD, without dampening or Nesterov:
///
///   v = momentum v + grad + weight_decay w;   w = w - lr v
///
/// Weight decay applies to every parameter, as in the coursework.
class SGD {
 public:
  struct Options {
    double lr = 0.1, momentum = 0.9, weight_decay = 1e-4;
  };
  SGD(ParameterBuffer& parameters, const Options& options);

  void set_lr(double lr) { options_.lr = lr; }
  double lr() const { return options_.lr; }
  void step();
  /// The velocity of each parameter under the parameter's name: what a checkpoint keeps.
  std::vector<Named> state() const { return parameters_.parts(velocity_); }

 private:
  ParameterBuffer& parameters_;
  Options options_;
  Tensor velocity_;
};

}  // namespace tweed
