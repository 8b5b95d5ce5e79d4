#include "benchmarks/conv_results.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "benchmarks/conv_text.h"

namespace tweed::bench {
namespace {

int64_t layers_of(const ConvShape& shape, Pass pass) {
  return pass == Pass::input ? shape.input_count : shape.count;
}

// The sum over shapes of a time that `pick` takes from a shape's figures.
template <class F>
std::optional<double> sum_over(const NetworkResult& network, Pass pass, F pick) {
  double sum = 0;
  for (auto& shape : network.shapes) {
    const int64_t layers = layers_of(shape.shape, pass);
    if (layers == 0) continue;
    const std::optional<double> one = pick(shape.figures[std::size_t(pass)]);
    if (!one) return {};
    sum += double(layers) * *one;
  }
  return sum;
}

std::optional<double> best_of(const ConvResults& results, const Figures& figures, bool rivals) {
  std::optional<double> best;
  for (std::size_t i = 0; i < figures.size(); ++i)
    if (figures[i] && results.contenders[i].is_rival == rivals)
      best = std::min(best.value_or(figures[i]->seconds), figures[i]->seconds);
  return best;
}

}  // namespace

bool ConvResults::has_rivals() const {
  return std::any_of(contenders.begin(), contenders.end(), [](auto& c) { return c.is_rival; });
}

std::string precision_of(const ConvResults& results) {
  return uses_tf32(results.device) ? "TF32" : name_of(results.dtype);
}

std::optional<double> total_of(const NetworkResult& network, Pass pass, std::size_t contender) {
  return sum_over(network, pass, [&](const Figures& figures) -> std::optional<double> {
    if (!figures[contender]) return {};
    return figures[contender]->seconds;
  });
}

std::optional<double> best_total(const ConvResults& results, const NetworkResult& network,
                                 Pass pass, bool rivals) {
  return sum_over(network, pass,
                  [&](const Figures& figures) { return best_of(results, figures, rivals); });
}

std::string json_of(const ConvResults& results) {
  using Json = nlohmann::ordered_json;
  auto optional = [](const auto& value) { return value ? Json(*value) : Json(); };
  Json root{{"device", device_words(results)},
            {"dtype", precision_of(results)},
            {"batch", results.batch},
            {"turns", results.pairs},
            {"load", results.load},
            {"peak_gflops", results.peak / 1e9},
            {"contenders", Json::array()},
            {"rows", Json::array()},
            {"totals", Json::array()}};
  for (auto& c : results.contenders)
    root["contenders"].push_back(
        {{"name", c.name}, {"rival", c.is_rival}, {"description", c.description}});
  for (auto& network : results.networks) {
    for (auto& [shape, checked_images, sets, figures] : network.shapes)
      for (Pass pass : passes)
        for (std::size_t i = 0; i < results.contenders.size(); ++i) {
          const auto& figure = figures[std::size_t(pass)][i];
          if (!figure) continue;
          const double rate = shape.conv.flops() / figure->seconds;
          root["rows"].push_back({{"network", network.name},
                                  {"shape", conv_numbers(shape.conv)},
                                  {"layers", layers_of(shape, pass)},
                                  {"pass", name_of(pass)},
                                  {"contender", results.contenders[i].name},
                                  {"ms", 1e3 * figure->seconds},
                                  {"gflops", rate / 1e9},
                                  {"share_of_peak", rate / results.peak},
                                  {"workspace_bytes", optional(figure->facts.workspace)},
                                  {"error", figure->facts.error},
                                  {"checked_images", checked_images},
                                  {"operand_sets", sets},
                                  {"ratio_to_best_rival", optional(figure->ratio)}});
        }
    for (Pass pass : passes)
      for (std::size_t i = 0; i < results.contenders.size(); ++i)
        if (auto total = total_of(network, pass, i))
          root["totals"].push_back({{"network", network.name},
                                    {"pass", name_of(pass)},
                                    {"contender", results.contenders[i].name},
                                    {"ms", 1e3 * *total}});
  }
  return root.dump(2) + "\n";
}

}  // namespace tweed::bench
