// What all optimizers share.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "autograd/dispatch.h"
#include "kernels/optimizer.h"
#include "optim/parameter_buffer.h"

namespace tweed {

/// What an optimizer changes: a buffer, which must outlive it, or a network's parameters, for which
/// it makes a buffer of its own.
struct Optimized {
  Optimized(ParameterBuffer& parameters)
      : buffer(std::shared_ptr<ParameterBuffer>(), &parameters) {}
  Optimized(Module& network) : buffer(std::make_shared<ParameterBuffer>(network.parameters())) {}
  std::shared_ptr<ParameterBuffer> buffer;
};

/// Changes the parameters of a buffer by their gradients. A learning rate may be set before each
/// step; rules of the buffer multiply it for some parameters.
///
///   SGD sgd(network, {.lr = 0.1, .momentum = 0.9});
///   sgd.zero_grad(), backward(loss), sgd.step();
class Optimizer {
 public:
  virtual ~Optimizer() = default;
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  /// Zeroes the gradients of all parameters.
  void zero_grad() const { parameters_->zero_grad(); }
  const ParameterBuffer& parameters() const { return *parameters_; }
  /// prepare() and apply().
  void step();
  /// What the host does for a step: counts it, and sends its numbers to the device.
  void prepare();
  /// What the device does: one kernel a group of parameters (Muon takes more), and may be recorded
  /// (see Replay).
  void apply();
  double lr() const { return lr_; }
  /// @throws Error  "[optim] lr is nan, not a finite number from 0"
  void set_lr(double lr);
  /// Momentum, or beta1 of Adam and Lion: what one_cycle_momentum() changes. @throws Error  as for
  /// lr
  virtual void set_momentum(double momentum) = 0;

  /// The steps done.
  int64_t steps() const { return int64_t(steps_.item()); }
  /// What a checkpoint keeps: "steps", and numbers for each parameter, "velocity.conv1.weight".
  std::vector<Named> state() const;

 protected:
  /// @param kinds  names the numbers that are kept for each parameter, zero at first
  Optimizer(const Optimized& parameters, double lr, const std::vector<std::string>& kinds);

  /// The numbers of a step, for the parameters of a group.
  /// @param lr            the learning rate itself
  /// @param weight_decay  a factor
  /// @param step          counts from 1
  virtual StepNumbers numbers(double lr, double weight_decay, int64_t step) const = 0;
  /// A group's part of everything that a step needs.
  struct Part {
    std::size_t group;
    Tensor numbers, grads, values;
    std::vector<Tensor> kept;  ///< in the order of `kinds`
  };
  virtual void update(const Part& part) = 0;

  /// Calls f<G, T>(here) with the types of gradients and weights.
  template <class F>
  static void with_types(const char* name, const Part& p, F f) {
    dispatch(name, p.values, [&]<class T>(auto& here) {
      if constexpr (std::is_same_v<T, float>)
        if (p.grads.dtype() == DType::bfloat16) return f.template operator()<bf16, float>(here);
      f.template operator()<T, T>(here);
    });
  }

 private:
  std::shared_ptr<ParameterBuffer> parameters_;
  double lr_;
  std::vector<Named> kept_;
  Tensor numbers_;                                  // (groups, StepNumbers::count)
  Tensor steps_ = Tensor::zeros({}, DType::int32);  // on the cpu: its reading waits for nothing
};

}  // namespace tweed
