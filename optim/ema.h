// An exponential moving average of a network's weights.
#pragma once
#include "optim/parameter_buffer.h"

namespace tweed {

/// average = decay average + (1 - decay) weights after each step, as torch.optim.swa_utils does:
/// the first update copies the weights. Buffers such as running statistics are not averaged; those
/// of the network serve both.
///
///   Ema ema(parameters, 0.999);
///   ... optimizer.step(); ema.update();
///   { AveragedWeights scope(&ema);  evaluate(network); }
///
/// Refers to the buffer, which must outlive it.
class Ema {
 public:
  /// @throws Error  "[ema] decay is 1.5, not from 0 to 1"
  Ema(const ParameterBuffer& parameters, double decay);
  /// Call it after each step of the optimizer: count() and apply().
  void update();
  /// What the host does: counts the update.
  void count() { updates_.count_up(); }
  /// What the device does, one kernel; may be recorded (see Replay) after the first update.
  void apply();
  /// Exchanges the weights and their average, bit by bit. Before the first update it does nothing.
  void swap();
  /// What a checkpoint keeps: "updates", and the average of each parameter under its name.
  std::vector<Named> state() const;

 private:
  const ParameterBuffer& parameters_;
  double decay_;
  Tensor average_;
  Tensor updates_ = Tensor::zeros({}, DType::int32);
};

/// The network has the averaged weights for the length of a scope; its own if `ema` is null.
class AveragedWeights {
 public:
  explicit AveragedWeights(Ema* ema) : ema_(ema) {
    if (ema_) ema_->swap();
  }
  ~AveragedWeights() {
    if (ema_) ema_->swap();
  }
  AveragedWeights(const AveragedWeights&) = delete;
  AveragedWeights& operator=(const AveragedWeights&) = delete;

 private:
  Ema* ema_;
};

}  // namespace tweed
