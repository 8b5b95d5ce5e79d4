// Scratch memory of the algorithms on `cpu`.
#pragma once
#include <memory>
#include <vector>

#include "kernels/allocate.h"
#include "tensor/tensor.h"

namespace tweed {

/// Memory from the pool, for the length of one call.
class Scratch {
 public:
  Allocate allocate() {
    return [this](std::size_t bytes) {
      blocks_.push_back(std::make_unique<Storage>(Device(), bytes));
      return blocks_.back()->data();
    };
  }

 private:
  MemoryLabel label_{"a convolution's scratch memory"};
  std::vector<std::unique_ptr<Storage>> blocks_;
};

}  // namespace tweed
