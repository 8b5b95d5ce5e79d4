// What a network gets right and wrong, class by class.
#pragma once
#include <string>
#include <vector>

#include "train/calibration.h"
#include "train/evaluate.h"

namespace tweed {

/// A network's answers on a data set, in its order; fewer if it was cancelled.
struct Answers {
  int64_t classes = 0;
  std::vector<int32_t> labels;
  std::vector<float> probabilities;  ///< (N, classes)
  double loss = 0;                   ///< mean

  int64_t size() const { return int64_t(labels.size()); }
  float probability(int64_t i, int64_t label) const {
    return probabilities[std::size_t(i * classes + label)];
  }
  /// The likeliest class of sample i; of equals the first.
  int32_t predicted(int64_t i) const;
};
Answers answers_on(Module& network, const Dataset& data, const EvaluateOptions& options = {});

/// Per cent throughout.
struct Report {
  Score score;
  std::vector<int64_t> counts;     ///< images of each class
  std::vector<double> right;       ///< top-1 of each class; NaN without images
  std::vector<double> precisions;  ///< average precision of each class; NaN without images
  double class_mean = 0;           ///< the mean of `right`
  double map = 0;                  ///< mAP: the mean of `precisions`
  Calibration calibration;
  /// (true class, predicted class): images.
  std::vector<int64_t> confusion;
};
Report report_on(const Answers& answers);

/// The area under the curve of precision over recall, as steps: scikit-learn's
/// average_precision_score, in 0..1. Equal scores stand for one threshold. NaN without positives.
double average_precision(const std::vector<double>& scores, const std::vector<char>& positive);

}  // namespace tweed
