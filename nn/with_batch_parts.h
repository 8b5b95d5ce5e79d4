// WithBatchParts: batch norms that see all parts of a batch, for the length of a scope.
#pragma once
#include "autograd/norm.h"
#include "nn/module.h"

namespace tweed {

/// Other processes have the other parts. Null parts: nothing changes.
class WithBatchParts {
 public:
  WithBatchParts(Module& network, const BatchParts* parts) : network_(parts ? &network : nullptr) {
    if (network_) network_->set_batch_parts(parts);
  }
  ~WithBatchParts() {
    if (network_) network_->set_batch_parts(nullptr);
  }
  WithBatchParts(const WithBatchParts&) = delete;
  WithBatchParts& operator=(const WithBatchParts&) = delete;

 private:
  Module* network_;
};

}  // namespace tweed
