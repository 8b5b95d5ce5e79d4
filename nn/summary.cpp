#include "nn/summary.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>

#include "nn/receptive_field.h"
#include "nn/trial.h"
#include "tensor/timing.h"

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

// What a column of the table is called and says of a layer.
struct Column {
  std::string head;
  bool is_text;
  int kept;  // the smallest go first where there is no room
  std::function<std::string(const LayerCost&)> cell;
};

std::string share(double part, double all) {
  char text[16];
  std::snprintf(text, sizeof text, "%.1f", all > 0 ? 100 * part / all : 0.);
  return text;
}

using Line = std::vector<std::string>;

// Words to the left of their columns, numbers to the right.
std::string text_of(const std::vector<Line>& lines, const std::vector<Column>& columns) {
  std::vector<std::size_t> width(columns.size());
  for (auto& line : lines)
    for (std::size_t i = 0; i < width.size(); ++i) width[i] = std::max(width[i], line[i].size());
  std::string text;
  for (auto& line : lines) {
    for (std::size_t i = 0; i < width.size(); ++i) {
      const std::string space(width[i] - line[i].size(), ' ');
      text.append(i ? "  " : "").append(columns[i].is_text ? line[i] + space : space + line[i]);
    }
    text += "\n";
  }
  return text;
}

std::string table(const std::vector<LayerCost>& rows, const std::vector<Column>& columns) {
  std::vector<Line> lines(1);
  for (auto& column : columns) lines[0].push_back(column.head);
  for (auto& row : rows) {
    lines.emplace_back();
    for (auto& column : columns) lines.back().push_back(column.cell(row));
  }
  return text_of(lines, columns);
}

std::string table_within(const std::vector<LayerCost>& rows, std::vector<Column> columns,
                         std::size_t most) {
  std::string text = table(rows, columns), left_out;
  while (most && text.find('\n') > most && columns.size() > 2) {
    const auto least =
        std::min_element(columns.begin(), columns.end(),
                         [](const Column& a, const Column& b) { return a.kept < b.kept; });
    left_out += (left_out.empty() ? "left out: " : ", ") + least->head;
    columns.erase(least);
    text = table(rows, columns);
  }
  return text + left_out + (left_out.empty() ? "" : "\n");
}

// The time between the calls of hooks, but for that of modules within.
class Stopwatch {
 public:
  explicit Stopwatch(Device device) : device_(device) {}
  void begin() { open_.push_back({now(), 0}); }
  double end() {
    const Open call = open_.back();
    open_.pop_back();
    const double all = now() - call.began;
    if (!open_.empty()) open_.back().within += all;
    return all - call.within;
  }

 private:
  struct Open {
    double began, within;
  };
  double now() const {
    synchronize(device_);
    const auto time = std::chrono::steady_clock::now().time_since_epoch();
    return std::chrono::duration<double>(time).count();
  }

  Device device_;
  std::vector<Open> open_;
};

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

std::map<std::string, double> layer_seconds(Module& network, const Shape& input, int passes) {
  const NoGrad no_grad;
  const Tensor x = zeros_for(network, input);
  Stopwatch stopwatch(x.device());
  std::map<std::string, double> pass;
  std::vector<ScopedHook> hooks;
  for (auto& [name, module] : network.modules()) {
    hooks.emplace_back(*module, module->on_input([&stopwatch](const Tensor&) {
      stopwatch.begin();
      return Tensor();
    }));
    hooks.emplace_back(*module, module->on_output([&stopwatch, &pass, name = name](const Tensor&) {
      pass[name] += stopwatch.end();
      return Tensor();
    }));
  }
  std::map<std::string, std::vector<double>> all;
  for (int i = 0; i <= passes; ++i) {
    pass.clear();
    try_out(network, x);
    if (i > 0)
      for (auto& [name, time] : pass) all[name].push_back(time);
  }
  std::map<std::string, double> medians;
  for (auto& [name, times] : all) {
    const auto middle = times.begin() + std::ptrdiff_t(times.size() / 2);
    std::nth_element(times.begin(), middle, times.end());
    medians[name] = *middle;
  }
  return medians;
}

std::string summary(Module& network, const Shape& input, int width) {
  std::vector<LayerCost> rows = layer_costs(network, input);
  LayerCost total{.name = "total", .calls = 1};
  for (auto& cost : rows) {
    total.parameters += cost.parameters;
    total.multiply_adds += cost.multiply_adds;
    total.bytes += cost.bytes;
  }
  const bool of_images = input.ndim() == 4;
  const auto fields =
      of_images ? receptive_fields(network, input) : std::map<std::string, ReceptiveField>();
  const bool timed = !is_simulated(zeros_for(network, {1}).device());
  const auto seconds = timed ? layer_seconds(network, input) : std::map<std::string, double>();
  auto seconds_of = [&](const LayerCost& c) {
    const auto found = seconds.find(c.name);
    return found == seconds.end() ? 0 : found->second;
  };
  double all_seconds = 0;
  for (auto& cost : rows) all_seconds += seconds_of(cost);
  auto is_total = [&](const LayerCost& c) { return &c == &rows.back(); };

  std::vector<Column> columns{
      {"layer", true, 9, [](auto& c) { return c.name.empty() ? "(itself)" : c.name; }},
      {"type", true, 2, [](auto& c) { return c.type; }},
      {"output", true, 5,
       [&](auto& c) { return is_total(c) ? ""
                             : c.calls   ? c.output.str()
                                         : "not called"; }},
      {"field", false, 3,
       [&](auto& c) {
         const auto found = fields.find(c.name);
         if (is_total(c) || found == fields.end()) return std::string();
         return found->second.whole ? "all" : std::to_string(found->second.side);
       }},
      {"parameters", false, 8, [](auto& c) { return grouped(c.parameters); }},
      {"multiply-adds", false, 7, [](auto& c) { return grouped(c.multiply_adds); }},
      {"bytes", false, 1, [](auto& c) { return grouped(c.bytes); }},
      {"bytes %", false, 4, [&](auto& c) { return share(double(c.bytes), double(total.bytes)); }},
      {"time %", false, 6,
       [&](auto& c) { return share(is_total(c) ? all_seconds : seconds_of(c), all_seconds); }}};
  rows.push_back(total);
  if (!timed) columns.pop_back();
  if (!of_images) columns.erase(columns.begin() + 3);
  return network.description() + " on " + input.str() + "\n" +
         table_within(rows, columns, std::size_t(std::max(width, 0)));
}

}  // namespace tweed
