// Whether a network is as sure as it is right.
#pragma once
#include <cstdint>
#include <vector>

namespace tweed {

/// Answers of about the same probability. Per cent.
struct CalibrationBin {
  int64_t count = 0;      ///< answers
  double confidence = 0;  ///< their mean probability; 0 without any
  double right = 0;       ///< how many of them are right
};

/// Guo et al., "On Calibration of Modern Neural Networks", 2017 (arXiv:1706.04599). Per cent.
struct Calibration {
  /// Of probabilities in (0, 1/n], (1/n, 2/n], ..., ((n - 1)/n, 1].
  std::vector<CalibrationBin> bins;
  /// The expected calibration error: how far `confidence` and `right` of a bin are apart, averaged
  /// over the answers. NaN if a probability is; 0 without answers.
  double error = 0;
  double confidence = 0, right = 0;  ///< of all answers
};

/// Sorts answers into bins of equal width as they come.
class CalibrationSums {
 public:
  /// @throws Error  if there is not at least one bin
  explicit CalibrationSums(int bins = 15);
  /// @param probability  0..1, of the answer; on a bound it counts to the bin below
  void add(float probability, bool is_right);
  Calibration result() const;

 private:
  std::vector<float> ends_;           // of the bins
  std::vector<CalibrationBin> sums_;  // probabilities and right answers
  bool undefined_ = false;
};

}  // namespace tweed
