// Learning rates over time, per iteration.
#pragma once
#include <cstdint>

namespace tweed {

/// Linear from 0 to `lr` over the first `warmup` iterations, then a half cosine from `lr` to `last`
/// at the final iteration: the coursework's schedule.
struct WarmupCosine {
  double lr = 0.1;
  int64_t warmup = 0;  ///< iterations
  int64_t total = 1;   ///< iterations
  double last = 1e-8;

  /// The rate of iteration i, counted from 0.
  double at(int64_t i) const;
};

}  // namespace tweed
