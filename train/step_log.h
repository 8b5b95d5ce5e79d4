// What each training step came to, kept on the device until somebody reads it.
#pragma once
#include <vector>

#include "nn/module.h"
#include "train/score.h"

namespace tweed {

/// What one step came to.
struct StepResult {
  int64_t step = 0;  ///< counted from 0 over all epochs
  Score score;       ///< of its batch
  /// max |dL/dw| of the first and the last convolution that are trained, before clipping: tiny ones
  /// tell of vanishing gradients, huge ones of a rate that is too large. 0 without convolutions.
  double first_gradient = 0, last_gradient = 0;
};

/// A row for each of the last steps. Adding one waits for nothing and may be recorded (see Replay).
class StepLog {
 public:
  static constexpr int64_t rows = 1024;

  /// Refers to the network, which must outlive it.
  explicit StepLog(const Module& network);
  /// Notes a step once its gradients are there.
  /// @param clock  (1), int32: the step's number times `parts`
  /// @param score  of all batches of the epoch so far
  void add(const Tensor& clock, int64_t parts, const RunningScore& score);
  /// Steps [first, last), at most `rows` of which are kept. Waits for the device.
  /// @param before  the sums before the first of them
  std::vector<StepResult> read(int64_t first, int64_t last, const ScoreSums& before) const;

 private:
  const Module& network_;
  Tensor log_;  // (rows, 6): loss, top-1, top-5, samples, first and last gradient
};

}  // namespace tweed
