// Loss and accuracy over many batches.
#pragma once
#include <string>

#include "tensor/tensor.h"

namespace tweed {

/// Averages over samples: how good a network's answers are.
struct Score {
  double loss = 0;
  double top1 = 0, top5 = 0;  ///< per cent of the samples whose label is the first answer, or among
                              ///< the first five
  int64_t count = 0;          ///< samples

  /// "top-1 97.60 %  top-5 99.80 %  loss 0.0712  (1000 images)"
  std::string str() const;
};

/// What Score averages: plain sums, which can be added to.
struct ScoreSums {
  double loss = 0, top1 = 0, top5 = 0;
  int64_t count = 0;

  Score average() const;
};

/// ScoreSums that stay on the device, so that adding a batch to them waits for nothing and may be
/// recorded (see Replay).
class RunningScore {
 public:
  explicit RunningScore(Device device) : totals_(Tensor::zeros({4}, DType::float64, device)) {}
  /// @param loss    one element, the mean over the batch
  /// @param logits  (N, classes);   @param labels  (N), int32
  void add(const Tensor& loss, const Tensor& logits, const Tensor& labels);
  /// Waits for the device.
  ScoreSums read() const;
  void set(const ScoreSums& sums);
  /// (4), float64: loss, top-1, top-5, samples.
  const Tensor& totals() const { return totals_; }

 private:
  Tensor totals_;  // loss, top-1, top-5, samples
};

}  // namespace tweed
