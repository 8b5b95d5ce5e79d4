// EvalMode: a network in eval mode for the length of a scope.
#pragma once
#include "nn/module.h"

namespace tweed {

/// Batch norm uses its running statistics and dropout does nothing while one lives.
class EvalMode {
 public:
  explicit EvalMode(Module& network) : network_(network), before_(network.training()) {
    network.eval();
  }
  ~EvalMode() { network_.train(before_); }
  EvalMode(const EvalMode&) = delete;
  EvalMode& operator=(const EvalMode&) = delete;

 private:
  Module& network_;
  bool before_;
};

}  // namespace tweed
