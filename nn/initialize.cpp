#include "nn/initialize.h"

#include "nn/init.h"

namespace tweed {
namespace {

using Draw = Tensor (*)(const Shape&, const InitKey&);

const std::pair<const char*, Draw> schemes[] = {
    {"kaiming", [](const Shape& s, const InitKey& key) { return kaiming_normal(s, key); }},
    {"xavier", [](const Shape& s, const InitKey& key) { return xavier_uniform(s, key); }},
    {"orthogonal",
     [](const Shape& s, const InitKey& key) { return orthogonal_init(s, key, relu_gain); }},
};

Draw drawing_of(const std::string& scheme) {
  std::string known;
  for (auto& [name, draw] : schemes) {
    if (name == scheme) return draw;
    known += (known.empty() ? "" : ", ") + std::string(name);
  }
  throw Error("there are no initial weights " + in_quotes(scheme) + "; there are " + known);
}

}  // namespace

void initialize_weights(Module& network, const std::string& scheme, uint64_t seed) {
  const Draw draw = drawing_of(scheme);
  const std::string weight = "weight";
  std::string layer;  // "conv1." of the last weight that was drawn
  uint32_t number = 0;
  for (auto& [name, t] : network.parameters()) {
    if (name.ends_with(weight) && (t.ndim() == 2 || t.ndim() == 4)) {
      layer = name.substr(0, name.size() - weight.size());
      t.copy_from(draw(t.shape(), {seed, ++number}));
    } else if (number && name == layer + "bias") {
      t.zero();
    }
  }
}

std::vector<std::string> init_schemes() {
  std::vector<std::string> names;
  for (auto& [name, draw] : schemes) names.emplace_back(name);
  return names;
}

}  // namespace tweed
