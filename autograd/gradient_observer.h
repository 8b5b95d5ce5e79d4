// Who is told how a walk back goes on.
#pragma once
#include "tensor/tensor.h"

namespace tweed {

/// Is told how far a walk back has come, so that others can begin with gradients that are there.
class GradientObserver {
 public:
  virtual ~GradientObserver() = default;
  /// Everything of a leaf's gradient has been added to it.
  virtual void complete(const Tensor& gradient) = 0;
  /// An operation has gone back.
  virtual void worked() = 0;
};

}  // namespace tweed
