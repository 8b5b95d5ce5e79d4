#include "explain/layer_tap.h"

#include <cmath>
#include <cstdlib>

#include "autograd/shape_ops.h"
#include "kernels/machine/printable.h"
#include "kernels/machine/suggest.h"
#include "nn/eval_mode.h"
#include "nn/forward_float.h"

namespace tweed {

Module& layer_called(Module& network, const std::string& layer) {
  std::vector<std::string> names;
  std::string known;
  for (auto& [name, module] : network.modules()) {
    if (name.empty()) continue;
    if (name == layer) return *module;
    names.push_back(name);
    known += (known.empty() ? "" : ", ") + name;
  }
  throw Error("there is no layer " + in_quotes(layer) + did_you_mean(layer, names) +
              "; there are " + printable(known, 1000));
}

LayerTap::LayerTap(Module& network, const std::string& layer)
    : layer_(layer),
      output_(std::make_shared<Tensor>()),
      hook_(layer_called(network, layer),
            layer_called(network, layer).on_output([kept = output_](const Tensor& y) {
              const Tensor start = y.detach();
              require_grad(start);
              *kept = start;
              return start;
            })) {}

const Tensor& LayerTap::output() const {
  if (!output_->defined())
    throw Error("the layer " + in_quotes(layer_) + " had no part in the answer");
  return *output_;
}

Tensor as_map(const Tensor& result, int64_t height, int64_t width) {
  if (result.ndim() == 4) return result;
  if (result.ndim() != 3) return {};
  const int64_t tokens = result.dim(1);
  for (int64_t in_front : {0, 1}) {
    const auto places = double(tokens - in_front);
    const auto h = int64_t(std::lround(std::sqrt(places * double(height) / double(width))));
    if (h < 1 || (tokens - in_front) % h) continue;
    const int64_t w = (tokens - in_front) / h;
    if (std::abs(h * width - w * height) >= std::max(height, width)) continue;
    return reshape(in_front ? slice(result, 1, 1, tokens) : result,
                   {result.dim(0), h, w, result.dim(2)});
  }
  return {};
}

std::vector<MapLayer> map_layers(Module& network, const Tensor& x) {
  const EvalMode eval(network);
  const NoGrad no_grad;
  std::vector<MapLayer> layers;
  {
    std::vector<ScopedHook> hooks;
    for (auto& [name, module] : network.modules()) {
      if (name.empty()) continue;
      const auto note = [&layers, &x, name = name](const Tensor& y) {
        const Tensor map = as_map(y, x.dim(1), x.dim(2));
        if (map.defined() && map.dim(1) * map.dim(2) > 1) layers.push_back({name, map.shape()});
        return Tensor();
      };
      hooks.emplace_back(*module, module->on_output(note));
    }
    forward_float(network, x.slice(0, 1));
  }
  return layers;
}

std::string names_of(const std::vector<MapLayer>& layers) {
  std::string all;
  for (auto& layer : layers)
    all += (all.empty() ? "" : ", ") + layer.name + " (" + std::to_string(layer.shape[1]) + " x " +
           std::to_string(layer.shape[2]) + ")";
  return all;
}

}  // namespace tweed
