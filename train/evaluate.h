// How good a network's answers are on a data set.
#pragma once
#include <functional>

#include "attacks/attack.h"
#include "data/loader.h"
#include "distributed/process_group.h"
#include "train/score.h"

namespace tweed {

struct EvaluateOptions {
  int64_t batch_size = 100;
  int image_size = 0;  ///< pixels cut from the middle; 0: what the data set suggests
  Normalization normalization;
  int workers = 2;        ///< threads that prepare batches
  bool mirrored = false;  ///< averages the logits of each image and its mirror image
  Attack attack;          ///< if given, changes images first
  /// Processes that evaluate together: each sees a run of the batches, and has the score of all.
  /// Null: this one sees all.
  std::shared_ptr<ProcessGroup> group;
  /// Asked after each batch's attack; true ends the evaluation there.
  std::function<bool()> cancelled;
  /// Called with each batch's logits, float32 (N, classes), and labels, (N) int32 on their device.
  std::function<void(const Tensor& logits, const Tensor& labels)> see;
  /// Called after each batch with the images done and their number, of those seen here.
  std::function<void(int64_t done, int64_t total)> progress;
};

/// Loss and accuracy, with the network in eval mode, where its parameters are.
/// If cancelled: those of the images seen until then.
Score evaluate(Module& network, const Dataset& data, const EvaluateOptions& options = {});

/// What evaluate() goes by: each batch of images with the network's logits, float32 (N, classes),
/// in the order of the data set. Nothing is recorded for gradients.
/// @param see  is called with the batch, its logits and its labels, (N) int32 on their device
void answer_each(
    Module& network, const Dataset& data, const EvaluateOptions& options,
    const std::function<void(const Batch&, const Tensor& logits, const Tensor& labels)>& see);

}  // namespace tweed
