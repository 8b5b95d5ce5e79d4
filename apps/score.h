// Loss and accuracy over many batches.
#pragma once
#include <string>

#include "tensor/tensor.h"

namespace tweed::app {

/// Averages over samples.
struct Score {
  double loss = 0, top1 = 0, top5 = 0;  ///< sums until average() is taken
  int64_t count = 0;

  /// Loss, and top-1 and top-5 in per cent.
  Score average() const;
};

/// "top-1 97.60 %  top-5 99.80 %  loss 0.0712  (1000 images of 64x64)", of an average.
std::string text(const Score& average, int image_size);

/// A Score whose sums stay on the device, so that adding a batch to it waits for nothing and may be
/// recorded (see Replay).
class RunningScore {
 public:
  explicit RunningScore(Device device) : totals_(Tensor::zeros({4}, DType::float64, device)) {}
  /// @param loss    one element, the mean over the batch
  /// @param logits  (N, classes);   @param labels  (N), int32
  void add(const Tensor& loss, const Tensor& logits, const Tensor& labels);
  /// Waits for the device.
  Score read() const;
  void set(const Score& score);

 private:
  Tensor totals_;  // loss, top-1, top-5, samples
};

}  // namespace tweed::app
