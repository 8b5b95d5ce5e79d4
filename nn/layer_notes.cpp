#include "nn/layer_notes.h"

#include <utility>

#include "tensor/pool.h"

namespace tweed {
namespace {

thread_local std::vector<LayerNote> notes;
thread_local int64_t inside = 0;  // bytes of the modules within the one that computes

int64_t in_use(Device device) { return int64_t(memory_stats(device).current); }

}  // namespace

std::vector<LayerNote> take_layer_notes() { return std::exchange(notes, {}); }

LayerScope::LayerScope(const Module& module, Device device)
    : active_(trace::on), module_(module), device_(device), layer_(&module) {
  if (!active_) return;
  before_ = in_use(device);
  outer_inside_ = std::exchange(inside, 0);
}

LayerScope::~LayerScope() {
  if (active_) inside += outer_inside_;
}

Tensor LayerScope::noted(Tensor y) {
  if (!active_) return y;
  const int64_t all = in_use(device_) - before_;
  notes.push_back({&module_, all - inside, y.shape()});
  inside = all;
  return y;
}

}  // namespace tweed
