#include "explain/feature_maps.h"

#include <algorithm>

#include "autograd/elementwise.h"
#include "autograd/reduce.h"
#include "autograd/shape_ops.h"
#include "explain/layer_tap.h"
#include "kernels/machine/printable.h"
#include "nn/eval_mode.h"
#include "nn/forward_float.h"

namespace tweed {

static FeatureMap grey_map(const Tensor& values, int64_t channel) {  // (h, w)
  const auto all = values.to_doubles();
  const auto [low, high] = std::minmax_element(all.begin(), all.end());
  FeatureMap map{channel, *low, *high, {int(values.dim(0)), int(values.dim(1)), {}}};
  for (double v : all)
    map.image.pixels.insert(map.image.pixels.end(), 3,
                            uint8_t(*high > *low ? 255 * (v - *low) / (*high - *low) + 0.5 : 0));
  return map;
}

std::vector<FeatureMap> feature_maps(Module& network, const Tensor& x, const std::string& layer,
                                     int64_t count) {
  const EvalMode eval(network);
  Tensor map;
  {
    const LayerTap tap(network, layer);
    forward_float(network, x.detach());
    map = as_map(tap.output().detach(), x.dim(1), x.dim(2));
    if (!map.defined())
      throw Error(
          "the layer " + in_quotes(layer) + " gives " + tap.output().shape().str() +
          ", no map of the image; these do: " + printable(names_of(map_layers(network, x)), 1000));
  }
  const NoGrad no_grad;
  map = cast(map, DType::float32);
  const auto variance = var(map, {0, 1, 2}, false, 0).to_doubles();
  std::vector<int64_t> order;
  for (int64_t c = 0; c < int64_t(variance.size()); ++c) order.push_back(c);
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    return variance[std::size_t(a)] > variance[std::size_t(b)];
  });
  order.resize(std::size_t(std::min<int64_t>(count, int64_t(order.size()))));
  std::vector<FeatureMap> maps;
  for (int64_t c : order)
    maps.push_back(grey_map(slice(map, 3, c, c + 1).reshape({map.dim(1), map.dim(2)}), c));
  return maps;
}

std::vector<std::string> early_middle_late(Module& network, const Tensor& x) {
  const auto layers = map_layers(network, x);
  std::vector<std::string> names;
  const std::size_t n = layers.size();
  for (std::size_t i : {std::size_t(0), n / 2, n - 1})
    if (n > 0 && std::find(names.begin(), names.end(), layers[i].name) == names.end())
      names.push_back(layers[i].name);
  return names;
}

}  // namespace tweed
