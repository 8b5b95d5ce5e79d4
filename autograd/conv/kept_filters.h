// A weight's filters in the form that an algorithm on `cpu` reads them in, kept with the weight.
#pragma once
#include "autograd/conv/scratch.h"
#include "kernels/conv/keep_filters.h"

namespace tweed {

/// For the length of one forward pass. A network that answers, without a graph (NoGrad), meets the
/// same weights again and again: its filters are kept until its memory is written to, as the
/// weight's annotation; who writes to what Tensor::write() gave long ago calls changed(). Of one
/// image, making them takes up to half of a convolution's time. In training each step has new
/// weights, so that nothing is kept.
///
///   KeptFilters kept(weight, scratch);
///   conv_winograd_forward(..., scratch.allocate(), kept.ask());
///   kept.keep();
class KeptFilters {
 public:
  KeptFilters(const Tensor& weight, Scratch& scratch);
  KeepFilters ask();
  /// What was asked for is filled now.
  void keep();

 private:
  const Tensor& weight_;
  const Allocate scratch_;
  std::shared_ptr<struct FiltersInAForm> filters_;  // found, or to be filled
  bool found_ = false;
};

}  // namespace tweed
