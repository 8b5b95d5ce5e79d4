#include "train/calibration.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/machine/error.h"

namespace tweed {

CalibrationSums::CalibrationSums(int bins) {
  if (bins < 1) throw Error("[calibration] " + std::to_string(bins) + " bins: there is at least 1");
  for (int i = 1; i <= bins; ++i) ends_.push_back(float(i) / float(bins));
  sums_.resize(std::size_t(bins));
}

// Rounding may leave a probability a little above 1.
void CalibrationSums::add(float probability, bool is_right) {
  if (std::isnan(probability)) {
    undefined_ = true;
    return;
  }
  const auto end = std::lower_bound(ends_.begin(), ends_.end() - 1, probability);
  CalibrationBin& bin = sums_[std::size_t(end - ends_.begin())];
  ++bin.count;
  bin.confidence += double(probability);
  bin.right += is_right;
}

Calibration CalibrationSums::result() const {
  Calibration all;
  int64_t count = 0;
  for (CalibrationBin bin : sums_) {
    all.error += std::abs(bin.confidence - bin.right);
    all.confidence += bin.confidence;
    all.right += bin.right;
    count += bin.count;
    const double scale = 100 / double(std::max<int64_t>(1, bin.count));
    bin.confidence *= scale;
    bin.right *= scale;
    all.bins.push_back(bin);
  }
  const double scale = 100 / double(std::max<int64_t>(1, count));
  for (double* sum : {&all.error, &all.confidence, &all.right}) *sum *= scale;
  if (undefined_) all.error = all.confidence = std::numeric_limits<double>::quiet_NaN();
  return all;
}

}  // namespace tweed
