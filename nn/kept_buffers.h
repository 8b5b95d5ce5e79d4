// KeptBuffers: a forward pass in training mode that leaves no trace in a network.
#pragma once
#include "nn/module.h"

namespace tweed {

/// Buffers, such as batch norm's running statistics, get the values back at the end of the scope
/// that they had at its beginning. May be recorded (see Replay).
class KeptBuffers {
 public:
  explicit KeptBuffers(const Module& network) : buffers_(network.buffers()) {
    for (auto& [name, t] : buffers_) kept_.push_back(t.clone());
  }
  ~KeptBuffers() {
    for (std::size_t i = 0; i < kept_.size(); ++i) buffers_[i].tensor.copy_from(kept_[i]);
  }
  KeptBuffers(const KeptBuffers&) = delete;
  KeptBuffers& operator=(const KeptBuffers&) = delete;

 private:
  std::vector<Named> buffers_;
  std::vector<Tensor> kept_;
};

}  // namespace tweed
