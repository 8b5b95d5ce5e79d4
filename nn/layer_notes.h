// What each module of a network leaves in memory, noted while a trace runs.
#pragma once
#include <vector>

#include "kernels/machine/trace_notes.h"
#include "tensor/tensor.h"

namespace tweed {

class Module;

/// A call of a module.
struct LayerNote {
  const Module* module = nullptr;
  /// What it allocated and was still there when it had done: its output, and what it keeps for the
  /// backward pass; without what the modules in it did.
  int64_t bytes = 0;
  Shape output;
};

/// Those of this thread since the last call, in the order in which modules were done.
std::vector<LayerNote> take_layer_notes();

/// Lives while a module computes. Does nothing unless this thread is traced.
class LayerScope {
 public:
  LayerScope(const Module& module, Device device);
  ~LayerScope();
  LayerScope(const LayerScope&) = delete;
  LayerScope& operator=(const LayerScope&) = delete;

  /// Notes the call with its output. Returns that.
  Tensor noted(Tensor y);

 private:
  const bool active_;
  const Module& module_;
  Device device_;
  trace::Layer layer_;
  int64_t before_ = 0, outer_inside_ = 0;
};

}  // namespace tweed
