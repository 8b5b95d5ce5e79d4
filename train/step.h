// One training step.
#pragma once
#include <functional>
#include <memory>

#include "optim/ema.h"
#include "optim/optimizer.h"
#include "tensor/replay.h"
#include "train/objective.h"
#include "train/score.h"
#include "train/shared_step.h"
#include "train/step_log.h"
#include "train/watch.h"

namespace tweed {

struct StepOptions {
  int accumulate = 1;    ///< parts of a batch that go through the network one after another
  double clip_grad = 0;  ///< the largest norm of all gradients together; 0: any
  uint64_t seed = 0;     ///< of dropout
  Ema* ema = nullptr;    ///< if given, is updated after the optimizer
  bool record = true;    ///< see Replay
  bool log = false;      ///< keeps a StepLog
  Objective objective = classified;  ///< what is minimised
  std::function<void()> after = {};  ///< called once the gradients of a part are there
  /// If given, other processes take the step, too: the batch is this one's share. Recorded if the
  /// group can be.
  SharedStep* shared = nullptr;
};

/// Forward, cross-entropy, backward, optimizer: a training step on the batch that is in two tensors
/// when it is called. On `cuda` and `sim` the whole of it is recorded and replayed, with the same
/// bits.
///
///   Step step(*network, parameters, sgd, {}, images, labels);
///   for (int64_t i = 0; i < 100; ++i) { images.copy_from(...); step(i); }
///
/// Refers to the network, the parameters, the optimizer and the average, which must outlive it.
class Step {
 public:
  /// @param images  (N, H, W, 3), normalised, in a dtype that the objective takes; or as
  ///                PackedImages, if it only hands them to the network
  /// @param labels  (N), int32
  /// @param load    fills both; is recorded with the rest
  Step(Module& network, ParameterBuffer& parameters, Optimizer& optimizer,
       const StepOptions& options, const Tensor& images, const Tensor& labels,
       std::function<void()> load = {});
  /// @param number  counts steps from 0: dropout and attacks draw their random numbers for it
  void operator()(int64_t number);
  /// Looks at every result from the next step on, without recordings: the step in which the first
  /// NaN or infinity appears throws Diverged, with the operation and its layer. Some two to three
  /// times as slow.
  void watch(bool on) { watched_ = on; }
  /// Of all batches so far, or since it was set.
  RunningScore& score() { return score_; }
  /// Of the last steps; null unless the options ask for it.
  const StepLog* log() const { return log_.get(); }
  /// Whether the last step was a replay.
  bool replays() const { return replay_.replays(); }

 private:
  void step(int64_t number);
  void device_step();
  void watched_step();
  void set_random_step(uint32_t part);
  void update();
  void forward_and_backward(int64_t first, int64_t last, uint32_t part);

  Module& network_;
  ParameterBuffer& parameters_;
  Optimizer& optimizer_;
  StepOptions options_;
  Tensor images_, labels_;
  std::function<void()> load_;
  RunningScore score_;
  std::unique_ptr<StepLog> log_;
  Tensor clock_;  // the step's number times the parts of a batch, for random numbers
  Replay replay_;
  int calls_ = 0;
  bool watched_ = false;
};

}  // namespace tweed
