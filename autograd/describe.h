// What operations were given beside tensors (strides, axes, windows): for those who write a network
// down for other programs. See record/onnx/.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "tensor/tensor.h"

namespace tweed {

using Attributes = std::map<std::string, std::vector<double>>;

/// An operation as it was recorded.
struct WatchedOperation {
  std::string name;            ///< as record() has it
  std::vector<Tensor> inputs;  ///< undefined where it was given none
  Tensor output;
  Attributes attributes;
};

/// While it lives, notes the operations that this thread records, which are those that gradients
/// flow through. One at a time.
class OperationWatch {
 public:
  OperationWatch();
  ~OperationWatch();
  OperationWatch(const OperationWatch&) = delete;
  OperationWatch& operator=(const OperationWatch&) = delete;
  const std::vector<WatchedOperation>& operations() const { return operations_; }

  // For autograd/ itself:
  static OperationWatch* current();
  void describe(const std::string& op, Attributes attributes);
  void note(const char* op, const std::vector<Tensor>& inputs, const Tensor& output);

 private:
  std::vector<WatchedOperation> operations_;
  std::string described_;  // the operation that attributes_ are of
  Attributes attributes_;
};

/// What an operation says of itself before it calls record():
///
///   if (is_watched()) describe("max_pool2d", {{"kernel", {3}}, {"stride", {2}}});
inline bool is_watched() { return OperationWatch::current() != nullptr; }
inline void describe(const std::string& op, Attributes attributes) {
  OperationWatch::current()->describe(op, std::move(attributes));
}

}  // namespace tweed
