// Training a network on a data set, epoch by epoch.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "train/evaluate.h"
#include "train/options.h"
#include "train/step.h"

namespace tweed {

/// Where training is.
struct Position {
  int64_t epoch = 0;      ///< whole epochs done
  int64_t iteration = 0;  ///< steps done in the epoch under way
  ScoreSums score;        ///< of that epoch so far
};

/// Everything that training goes on from, to the same bits as if it had never stopped.
struct TrainerState {
  Position position;
  /// "model.conv1.weight", "optimizer.velocity.conv1.weight", "ema.conv1.weight", and what else
  /// training goes on from, such as "defence.perturbation"
  std::vector<Named> tensors;
};

/// Trains a network with an optimizer, a schedule of the learning rate, augmented batches, and
/// whatever else its options ask for.
///
///   Trainer trainer(network, data.train, {.lr = 0.05, .epochs = 3});
///   while (!trainer.done()) {
///     const Score score = trainer.epoch();
///     std::printf("%s\n", score.str().c_str());
///   }
///
/// or step by step: while (trainer.step()) { ... }, then trainer.end_epoch(). It computes where the
/// network's parameters are: call network->to(device) before. Prints nothing and writes no file.
class Trainer {
 public:
  /// @throws Error  if there are fewer images than a batch, or the options do not go together
  Trainer(ModulePtr network, const Dataset& data, const TrainerOptions& options = {});
  Trainer(const Trainer&) = delete;
  Trainer& operator=(const Trainer&) = delete;

  /// The rest of an epoch. Returns its loss and accuracy, of each image as it was trained on.
  /// @throws Diverged
  Score epoch();
  /// One step; false if the epoch has no more.
  bool step();
  /// One step at another learning rate than the schedule's, on the batch that comes next; one epoch
  /// follows on the other, beyond iterations() too, and the momentum stays. Waits for the device,
  /// and returns the loss of the batch before the step. For find_lr(). @throws Diverged
  double step_at(double rate);
  /// Goes on to the next epoch, after all steps of one.
  void end_epoch();
  /// Whether all epochs are done.
  bool done() const { return position_.epoch >= epochs_; }

  /// Loss and accuracy on other images, of the averaged weights if there are such. Normalises as
  /// in training, unless the options say otherwise. @throws Diverged
  Score evaluate(const Dataset& data);
  Score evaluate(const Dataset& data, const EvaluateOptions& options);

  /// Robust accuracy: the same under PGD, whose ten steps of a quarter of eps go up the true
  /// label's loss from a random start, at the eps of TrainerOptions::defence. Some hundred images
  /// tell how it goes: see balanced() in train/robust_history.h.
  Score evaluate_robust(const Dataset& data);
  /// @param options  whose attack does not count
  Score evaluate_robust(const Dataset& data, EvaluateOptions options);
  /// What evaluate_robust() attacks by.
  PgdOptions measured_attack() const;

  /// What the steps since the last call came to, if the options ask for it; waits for the device.
  /// To be called before end_epoch().
  std::vector<StepResult> new_steps();
  /// Of the epoch so far; waits for the device. @throws Diverged  if a loss was not finite
  Score score();
  /// @throws Diverged  if anything that state() keeps is not finite
  void check_finite() const;
  /// From the next step on, step() throws Diverged in the step in which the first NaN or infinity
  /// appears, naming the operation and its layer; see Step::watch(). So does evaluate().
  void watch(bool on) {
    watched_ = on;
    step_.watch(on);
  }
  /// On the network's device; holds until the next step, which may change it. With other processes
  /// it is that of the whole training, the same in each; load() takes it in any number of them.
  TrainerState state() const;
  /// Makes what batch norms know of their inputs the same in all processes, as state() and
  /// evaluate() do. Nothing without others.
  void join_statistics() const;
  /// Goes on from a state of a trainer with the same options.
  /// @throws Error  naming a tensor that is missing, left over, or of another shape
  void load(const TrainerState& state);

  const Position& position() const { return position_; }
  int64_t epochs() const { return epochs_; }
  int64_t iterations() const { return iterations_; }  ///< of all epochs
  /// Steps of a whole epoch, and of the one under way: the last may be a part.
  int64_t iterations_per_epoch() const { return per_epoch_; }
  int64_t iterations_of_epoch() const;
  /// The learning rate of an iteration, counted from 0.
  double rate(int64_t iteration) const { return rate_(iteration); }

  /// Seconds of the epoch so far in which a step waited for its images.
  double waited() const { return feed_.waited(); }

  Module& network() { return *network_; }
  Optimizer& optimizer() { return *optimizer_; }
  const ParameterBuffer& parameters() const { return parameters_; }
  Ema* ema() { return ema_.get(); }  ///< null without

 private:
  void start_epoch();
  bool has_batch();
  void compute();
  void read_steps();
  std::vector<Named> live_state() const;

  TrainerOptions options_;
  ModulePtr network_;
  int64_t batches_;  // of an epoch
  ParameterBuffer parameters_;
  std::unique_ptr<Optimizer> optimizer_;
  std::unique_ptr<Ema> ema_;
  Feed feed_;
  std::unique_ptr<SharedStep> shared_;  // null without other processes
  Defence defence_;
  int64_t per_epoch_, epochs_, iterations_;  // steps
  Step step_;
  Schedule rate_, momentum_;
  Position position_;
  bool started_ = false;    // the epoch under way
  bool has_batch_ = false;  // the feed, one for the next step
  bool watched_ = false;
  // Steps that were read from the log, where reading goes on, and the epoch's sums until there.
  std::vector<StepResult> steps_read_;
  int64_t next_read_ = 0;
  ScoreSums sums_read_;
  Attack robust_attack_;  // made when it is asked for
};

/// The network has what is to be kept of it for the length of a scope: averaged weights if there
/// are such, in float32.
class WeightsToKeep {
 public:
  explicit WeightsToKeep(Trainer& trainer)
      : averaged_((trainer.join_statistics(), trainer.ema())), masters_(trainer.parameters()) {}

 private:
  AveragedWeights averaged_;
  MasterWeights masters_;
};

}  // namespace tweed
