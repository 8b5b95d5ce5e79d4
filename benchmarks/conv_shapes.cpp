#include "benchmarks/conv_shapes.h"

#include <algorithm>
#include <array>
#include <sstream>

#include "kernels/machine/error.h"
#include "nn/layers.h"
#include "nn/summary.h"

namespace tweed::bench {

std::vector<ConvShape> convolutions_of(Module& network, const Shape& images) {
  std::vector<ConvShape> shapes;
  for (auto& cost : layer_costs(network, {1, images[1], images[2], images[3]})) {
    auto* layer = dynamic_cast<Conv2d*>(&network.find(cost.name));
    if (!layer || !cost.calls) continue;
    const Conv conv{{images[0], cost.input[1], cost.input[2], cost.input[3], layer->weight().dim(1),
                     layer->options().stride, layer->options().padding},
                    layer->weight().dim(0)};
    auto found = std::find_if(shapes.begin(), shapes.end(),
                              [&](const ConvShape& shape) { return shape.conv == conv; });
    if (found == shapes.end())
      found = shapes.insert(found, {conv, 0, shapes.empty() ? -cost.calls : 0});
    found->count += cost.calls;
    found->input_count += cost.calls;
  }
  return shapes;
}

ConvShape parse_conv(const std::string& text) {
  std::istringstream words(text);
  std::array<int64_t, 8> n{};
  for (auto& number : n) words >> number;
  const auto [N, H, W, in, out, kernel, stride, padding] = n;
  std::string rest;
  const bool whole = bool(words) && !(words >> rest);
  const bool positive = std::min({N, H, W, in, out, kernel, stride}) > 0 && padding >= 0;
  const bool fits = std::min(H, W) + 2 * padding >= kernel && padding < kernel;
  if (!whole || !positive || !fits)
    throw Error("'" + text + "' is no convolution: give N H W Ci Co K S P, such as '" +
                "32 64 64 3 64 7 2 3'");
  return {{{N, H, W, in, kernel, stride, padding}, out}, 1, 1};
}

std::string conv_numbers(const Conv& c) {
  std::ostringstream text;
  const Window& w = c.window;
  text << w.N << ' ' << w.H << ' ' << w.W << ' ' << w.C << ' ' << c.out_channels << ' ' << w.kernel
       << ' ' << w.stride << ' ' << w.padding;
  return text.str();
}

std::string conv_name(const Conv& c) {
  std::ostringstream text;
  const Window& w = c.window;
  text << w.H << 'x' << w.W << 'x' << w.C << " > " << c.out_channels << ", " << w.kernel << 'x'
       << w.kernel;
  if (w.stride > 1) text << '/' << w.stride;
  return text.str();
}

int64_t usual_image_size(const std::string& model) {
  for (const char* begin :
       {"cifar_", "conv_only", "mish_", "resnet20", "resnet32", "resnet44", "resnet56"})
    if (model.rfind(begin, 0) == 0) return 32;
  return 128;
}

}  // namespace tweed::bench
