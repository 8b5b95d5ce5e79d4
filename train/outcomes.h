// What a network said of each image of an evaluation, in a few numbers an image.
#pragma once
#include <vector>

#include "distributed/process_group.h"
#include "train/calibration.h"

namespace tweed {

struct Outcome {
  int32_t label = 0, predicted = 0;
  int32_t rank = 0;       ///< of the label among the answers; 0: it is the first
  float probability = 0;  ///< of what was predicted
  float loss = 0;         ///< cross-entropy; infinite where the label's probability is 0
};

/// Takes batches of logits as an evaluation comes by them. They stay on their device until there
/// are many, so that hardly a batch waits.
class Outcomes {
 public:
  /// @param logits  (N, classes), float32;   @param labels  (N), int32
  void add(const Tensor& logits, const Tensor& labels);
  /// All so far, in order. Waits for the device.
  const std::vector<Outcome>& read();

 private:
  std::vector<std::pair<Tensor, Tensor>> waiting_;
  int64_t waiting_size_ = 0;
  std::vector<Outcome> outcomes_;
};

/// Those of a whole evaluation, of which each process has a run of the images, in the order of the
/// ranks. A null group: they are the whole.
std::vector<Outcome> of_all_processes(ProcessGroup* group, const std::vector<Outcome>& own);

/// How sure the network was of its answers, and how right.
Calibration calibration_of(const std::vector<Outcome>& outcomes);

}  // namespace tweed
