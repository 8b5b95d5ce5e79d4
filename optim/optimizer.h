// What all optimizers share.
#pragma once
#include <string>
#include <vector>

#include "optim/parameter_buffer.h"

namespace tweed {

/// Changes the parameters of a buffer by their gradients. A learning rate may be set before each
/// step; rules of the buffer multiply it for some parameters.
///
/// Refers to the buffer, which must outlive it.
class Optimizer {
 public:
  virtual ~Optimizer() = default;
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  /// One kernel a group of parameters.
  void step();
  double lr() const { return lr_; }
  void set_lr(double lr) { lr_ = lr; }
  /// Momentum, or Adam's beta1: what one_cycle_momentum() changes.
  virtual void set_momentum(double momentum) = 0;

  /// The steps done.
  int64_t steps() const { return int64_t(steps_.item()); }
  /// What a checkpoint keeps: "steps", and numbers for each parameter, "velocity.conv1.weight".
  std::vector<Named> state() const;

 protected:
  /// @param kinds  names the numbers that are kept for each parameter, zero at first
  Optimizer(ParameterBuffer& parameters, double lr, const std::vector<std::string>& kinds);

  /// A group's part of everything that a step needs.
  struct Part {
    double lr, weight_decay;  ///< the learning rate itself; a factor
    int64_t step;             ///< counts from 1
    Tensor grads, values;
    std::vector<Tensor> kept;  ///< in the order of `kinds`
  };
  virtual void update(const Part& part) = 0;

 private:
  ParameterBuffer& parameters_;
  double lr_;
  std::vector<Named> kept_;
  Tensor steps_ = Tensor::zeros({}, DType::int32);  // on the cpu: its reading waits for nothing
};

}  // namespace tweed
