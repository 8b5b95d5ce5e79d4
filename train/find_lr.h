// The learning-rate range test: which rates a network learns at, found in some hundred steps.
#pragma once
#include <functional>
#include <vector>

#include "train/trainer.h"

namespace tweed {

struct RateRange {
  double first = 1e-6, last = 10;  ///< rates; they rise by the same factor from step to step
  int64_t steps = 200;             ///< at least 20
  /// The test ends once the loss, averaged over some steps, is so many times its smallest.
  double diverged = 4;
  std::function<bool()> cancelled;                            ///< asked before each step
  std::function<void(int64_t done, int64_t total)> progress;  ///< after each step
};

/// A step of the test.
struct TriedRate {
  double rate = 0;
  double loss = 0;      ///< of the batch, before the step
  double smoothed = 0;  ///< the mean of those around it, weighted by a bell curve
};

struct RateTest {
  std::vector<TriedRate> tried;  ///< those whose loss was finite
  bool diverged = false;         ///< it ended before the last rate
  bool cancelled = false;
  /// Where the smoothed loss falls fastest over the logarithm of the rate, before it is lowest. 0
  /// if no rate lowers it by at least a hundredth.
  double steepest = 0;
  double lowest = 0;  ///< where the smoothed loss is lowest; a tenth of it is another usual choice
};

/// Smith, "Cyclical Learning Rates for Training Neural Networks", 2015 (arXiv:1506.01186), with
/// rates that rise exponentially. Steps are those of training, with all that its options ask for,
/// on batches as they come. Afterwards the trainer is as it was, to the bit: weights, optimizer,
/// position.
///
///   Trainer trainer(network, data.train, options);
///   const RateTest test = find_lr(trainer);      // options.lr = test.steepest
///
/// The result is a rate for `lr`, the largest of a schedule; a head_lr keeps its ratio to it.
/// @throws Error  for a range that is none
RateTest find_lr(Trainer& trainer, const RateRange& range = {});

/// Fills in `smoothed`, `steepest` and `lowest`. @param steps  that the whole range has
void choose_rate(RateTest& test, int64_t steps);

}  // namespace tweed
