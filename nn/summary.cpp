#include "nn/summary.h"

#include <algorithm>
#include <array>

#include "nn/trial.h"

namespace tweed {
namespace {

int note_input(LayerCost& cost, Module& module) {
  return module.on_input([&cost](const Tensor& x) {
    cost.input = x.shape();
    return Tensor();
  });
}
int count_into(LayerCost& cost, Module& module) {
  return module.on_output([&module, &cost](const Tensor& y) {
    cost.output = y.shape();
    cost.multiply_adds += module.multiply_adds(y.shape());
    cost.bytes += y.bytes();
    ++cost.calls;
    return Tensor();
  });
}

// "1,234,567"
std::string grouped(int64_t n) {
  std::string digits = std::to_string(n);
  for (std::size_t i = digits.size(); i > 3; i -= 3) digits.insert(i - 3, 1, ',');
  return digits;
}

using Line = std::array<std::string, 6>;

Line line_of(const LayerCost& c) {
  return {c.name.empty() ? "(itself)" : c.name,
          c.type,
          c.calls ? c.output.str() : "not called",
          grouped(c.parameters),
          grouped(c.multiply_adds),
          grouped(c.bytes)};
}

// Words to the left of their columns, numbers to the right. A width of 0 leaves a column out.
std::string table(const std::vector<Line>& lines, const std::array<std::size_t, 6>& width) {
  std::string text;
  for (auto& line : lines) {
    for (std::size_t i = 0; i < line.size(); ++i) {
      if (!width[i]) continue;
      const std::string space(width[i] - line[i].size(), ' ');
      text.append(i ? "  " : "").append(i < 3 ? line[i] + space : space + line[i]);
    }
    text += "\n";
  }
  return text;
}

std::string table_within(const std::vector<Line>& lines, std::size_t most) {
  std::array<std::size_t, 6> width{};
  for (auto& line : lines)
    for (std::size_t i = 0; i < line.size(); ++i) width[i] = std::max(width[i], line[i].size());
  auto all = [&] {
    std::size_t sum = 0;
    for (auto w : width) sum += w ? w + 2 : 0;
    return sum - 2;
  };
  std::string left_out;
  for (std::size_t column : {5, 1, 2, 4}) {  // the least important first
    if (!most || all() <= most) break;
    width[column] = 0;
    left_out += (left_out.empty() ? "left out: " : ", ") + lines[0][column];
  }
  return table(lines, width) + left_out + (left_out.empty() ? "" : "\n");
}

}  // namespace

std::vector<LayerCost> layer_costs(Module& network, const Shape& input) {
  const auto modules = network.modules();
  std::vector<LayerCost> costs(modules.size());
  {
    std::vector<ScopedHook> hooks;
    for (std::size_t i = 0; i < modules.size(); ++i) {
      auto& [name, module] = modules[i];
      const std::string text = module->description();
      costs[i].name = name;
      costs[i].type = text.substr(0, text.find('('));
      costs[i].parameters = module->own_parameter_count();
      hooks.emplace_back(*module, note_input(costs[i], *module));
      hooks.emplace_back(*module, count_into(costs[i], *module));
    }
    output_for_zeros(network, input);
  }
  std::vector<LayerCost> result;
  for (std::size_t i = 0; i < costs.size(); ++i)
    if (costs[i].parameters || costs[i].multiply_adds || modules[i].second->modules().size() == 1)
      result.push_back(costs[i]);
  return result;
}

std::string summary(Module& network, const Shape& input, int width) {
  std::vector<Line> lines{{"layer", "type", "output", "parameters", "multiply-adds", "bytes"}};
  LayerCost total{.name = "total", .calls = 1};
  for (auto& cost : layer_costs(network, input)) {
    lines.push_back(line_of(cost));
    total.parameters += cost.parameters;
    total.multiply_adds += cost.multiply_adds;
    total.bytes += cost.bytes;
  }
  lines.push_back(line_of(total));
  lines.back()[2].clear();
  return network.description() + " on " + input.str() + "\n" +
         table_within(lines, std::size_t(std::max(width, 0)));
}

}  // namespace tweed
