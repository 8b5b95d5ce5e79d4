// How robust accuracy goes over the epochs of a run, and what it goes wrong by.
#pragma once
#include "data/dataset.h"

namespace tweed {

/// So many images of a data set, as many of each class as of the others as far as they go: the
/// first ones of each, in the data set's order. All of them if there are no more.
Dataset balanced(const Dataset& data, int64_t count);

/// Robust accuracy epoch by epoch, in per cent; what it holds is all that it goes on from.
struct RobustHistory {
  double best = -1;  ///< -1: none yet
  int64_t best_epoch = 0;
  double train_at_best = 0;  ///< accuracy on the attacked images of training, in that epoch
  double last = -1;
  /// The epoch of catastrophic overfitting: robust accuracy fell below half of its best, and
  /// accuracy on the images of training did not fall. So it goes where an attack in training has a
  /// single step, which the network learns to lead astray. 0: not so far.
  /// Source: Wong et al. 2020, arXiv:2001.03994
  int64_t collapsed = 0;

  /// Notes an epoch, counted from 1. Returns whether its robust accuracy is the best so far.
  /// @param train    accuracy on the attacked images of training
  /// @param classes  a best that is less than twice what guessing among them gives is no height to
  ///                 fall from
  bool add(int64_t epoch, double robust, double train, int64_t classes);
  /// Robust overfitting: by how many points the last robust accuracy lies below the best.
  /// Source: Rice et al. 2020, arXiv:2002.11569
  double lost() const { return best - last; }
  /// Whether that is more than a sample of so many images may differ by: two standard errors.
  bool overfits(int64_t images) const;
};

}  // namespace tweed
