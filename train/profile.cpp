#include "train/profile.h"

#include <algorithm>
#include <cstdio>
#include <functional>
#include <map>
#include <set>

#include "autograd/graph_stats.h"
#include "autograd/loss.h"
#include "kernels/machine/printable.h"
#include "nn/forward_float.h"
#include "nn/kept_buffers.h"
#include "nn/layer_notes.h"
#include "tensor/pool.h"
#include "train/trace.h"

namespace tweed {
namespace {

// "(2, 4)" of "(2, 3) (4, 3) -> (2, 4)", and of the backward pass "(2, 4) -> (2, 3) (4, 3)".
std::string result_of(const std::string& shapes) {
  const auto at = shapes.rfind("-> ");
  return at == std::string::npos ? "" : shapes.substr(at + 3);
}
std::string start_of(const std::string& shapes) { return shapes.substr(0, shapes.find(" ->")); }

// The backward pass goes through the same operations the other way, passing over those that no
// gradient goes through: so each belongs to the layer of the last one of its name and shape that
// is not used yet.
std::vector<const void*> layers_of(const Trace& trace) {
  std::vector<const void*> layers;
  std::vector<TracedOperation> left = trace.forward();
  for (auto& o : trace.operations()) {
    layers.push_back(o.layer);
    if (o.phase != "backward") continue;
    auto fits = [&](const TracedOperation& f) {
      return f.name == o.name && result_of(f.shapes) == start_of(o.shapes);
    };
    const auto found = std::find_if(left.rbegin(), left.rend(), fits);
    if (found == left.rend()) continue;
    layers.back() = found->layer;
    left.erase(std::next(found).base(), left.end());
  }
  return layers;
}

std::string type_of(const Module& module) {
  const std::string text = module.description();
  return text.substr(0, text.find('('));
}

int64_t own_bytes(const Module& module) {
  return module.own_parameter_count() * int64_t(size_of(module.dtype()));
}

class Restored {
 public:
  explicit Restored(Module& network)
      : network_(network), training_(network.training()), buffers_(network) {
    network.train();
  }
  ~Restored() {
    for (auto& [name, t] : network_.parameters())
      if (requires_grad(t) && grad(t).defined()) grad(t).zero();
    network_.train(training_);
  }
  Restored(const Restored&) = delete;
  Restored& operator=(const Restored&) = delete;

 private:
  Module& network_;
  bool training_;
  KeptBuffers buffers_;
};

// @param look  is given the loss before the walk back
void step(Module& network, const Tensor& images, const Tensor& labels,
          const std::function<void(const Tensor&)>& look = {}) {
  const Tensor loss = cross_entropy(forward_float(network, images), labels);
  if (look) look(loss);
  backward(loss);
}

std::vector<TensorMemory> tensors_of(const Module& network, const Tensor& images,
                                     const Tensor& labels, const Tensor& loss) {
  std::vector<TensorMemory> all;
  std::set<const void*> seen;
  auto add = [&](const std::string& name, const char* kind, const Tensor& t) {
    if (t.size() > 0 && seen.insert(t.address()).second)
      all.push_back({name, kind, t.shape(), int64_t(t.bytes())});
  };
  for (auto& [name, t] : network.parameters()) add(name, "parameter", t);
  for (auto& [name, t] : network.buffers()) add(name, "buffer", t);
  add("images", "input", images);
  add("labels", "input", labels);
  const GraphStats graph = graph_stats(loss);
  for (auto& [operation, t] : graph.saved) add(operation, "kept", t);
  std::stable_sort(all.begin(), all.end(),
                   [](const TensorMemory& a, const TensorMemory& b) { return a.bytes > b.bytes; });
  return all;
}

// Cut at the terminal's width.
std::string line_of(std::string text, int width) {
  if (width > 0 && text.size() > std::size_t(width)) text.resize(std::size_t(width));
  return text + "\n";
}

}  // namespace

StepProfile profile_step(Module& network, const Tensor& images, const Tensor& labels) {
  const Restored restored(network);
  const Device device = images.device();
  network.set_random_step({});
  StepProfile profile{.batch_size = images.dim(0)};
  step(network, images, labels);
  step(network, images, labels,
       [&](const Tensor& loss) { profile.tensors = tensors_of(network, images, labels, loss); });
  take_layer_notes();
  reset_peak_memory(device);
  Trace trace;
  step(network, images, labels);
  trace.stop();
  profile.seconds = trace.seconds();
  profile.peak_bytes = int64_t(memory_stats(device).peak);

  std::map<const void*, std::size_t> places;
  for (auto& [name, module] : network.modules()) {
    if (!places.try_emplace(module, profile.layers.size()).second) continue;
    const int64_t bytes = own_bytes(*module);
    profile.layers.push_back({.name = name, .type = type_of(*module), .parameter_bytes = bytes});
    profile.parameter_bytes += bytes;
  }
  for (auto& [module, bytes, output] : take_layer_notes()) {
    const auto found = places.find(module);
    if (found == places.end()) continue;
    profile.layers[found->second].saved_bytes += bytes;
    profile.layers[found->second].output = output;
  }
  const auto& operations = trace.operations();
  const auto layers = layers_of(trace);
  for (std::size_t i = 0; i < operations.size(); ++i) {
    const auto found = places.find(layers[i]);
    const double seconds = operations[i].seconds();
    if (found == places.end())
      profile.other += seconds;
    else
      (operations[i].phase == "forward" ? profile.layers[found->second].forward
                                        : profile.layers[found->second].backward) += seconds;
  }
  std::erase_if(profile.layers, [](const LayerProfile& l) {
    return l.forward + l.backward == 0 && l.saved_bytes == 0 && l.parameter_bytes == 0;
  });
  return profile;
}

std::string StepProfile::table(int width) const {
  double all = other;
  for (auto& l : layers) all += l.forward + l.backward;
  std::size_t names = 5;
  for (auto& l : layers) names = std::max(names, printable(l.name).size());
  std::string text;
  auto row = [&](const std::string& name, const char* numbers) {
    text += line_of(name + std::string(names - std::min(names, name.size()), ' ') + numbers, width);
  };
  char numbers[120];
  row("layer", "  forward ms  backward ms  share  kept MB  weights MB  output");
  for (auto& l : layers) {
    std::snprintf(numbers, sizeof numbers, "  %10.2f  %11.2f  %3.0f %%  %7.2f  %10.2f  %s",
                  1e3 * l.forward, 1e3 * l.backward, 100 * (l.forward + l.backward) / all,
                  double(l.saved_bytes) / 1e6, double(l.parameter_bytes) / 1e6,
                  l.output.ndim() ? l.output.str().c_str() : "");
    row(l.name.empty() ? "(between)" : printable(l.name), numbers);
  }
  std::snprintf(numbers, sizeof numbers, "  %10.2f  %11s  %3.0f %%", 1e3 * other, "",
                100 * other / all);
  row("other", numbers);
  return text;
}

std::string StepProfile::tensor_table(std::size_t most, int width) const {
  std::string text = line_of("      MB  what       of                        shape", width);
  char line[200];
  int64_t rest = 0;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const TensorMemory& t = tensors[i];
    if (i >= most) {
      rest += t.bytes;
      continue;
    }
    std::snprintf(line, sizeof line, "%8.2f  %-9s  %-24s  %s", double(t.bytes) / 1e6,
                  t.kind.c_str(), printable(t.name).c_str(), t.shape.str().c_str());
    text += line_of(line, width);
  }
  if (tensors.size() <= most) return text;
  std::snprintf(line, sizeof line, "%8.2f  %zu more", double(rest) / 1e6, tensors.size() - most);
  return text + line_of(line, width);
}

}  // namespace tweed
