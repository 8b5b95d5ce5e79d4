#include "apps/drawings/trust_report.h"

#include <cstdio>

#include "record/draw/curves.h"

namespace tweed::app {
namespace {

constexpr std::size_t enough_images = 4;  // a single map may stay alike by chance

void add_to(std::vector<double>& sum, const std::vector<double>& more, double weight) {
  sum.resize(more.size(), 0);
  for (std::size_t i = 0; i < more.size(); ++i) sum[i] += weight * more[i];
}

void add_curves(TrustRow& row, const TrustCurves& more, double weight) {
  add_to(row.curves.deletion, more.deletion, weight);
  add_to(row.curves.insertion, more.insertion, weight);
}

std::vector<double> even(double first, double last, std::size_t count) {
  std::vector<double> values;
  for (std::size_t i = 0; i < count; ++i)
    values.push_back(first +
                     (last - first) * double(i) / double(std::max<std::size_t>(1, count - 1)));
  return values;
}

}  // namespace

std::vector<TrustRow> examine_maps(const Checkpoint& checkpoint, const Samples& samples,
                                   Device device, const MapWish& wish) {
  Module& network = *checkpoint.network;
  const Tensor x = normalized(samples.images, checkpoint.info, device);
  const double weight = 1 / double(x.dim(0));
  ExplainOptions options = wish.options;
  options.cancelled = interrupted;
  const Tensor targets = wish.target < 0 ? Tensor() : repeated_label(wish.target, x.dim(0), device);
  std::vector<TrustRow> rows;
  std::vector<int32_t> labels;
  for (auto* method : wish.methods) {
    TrustRow row{.method = method->name, .curves = {}, .randomised = {}};
    const Explanation e = explain(network, x, *method, options, targets);
    labels = e.targets.to_vector<int32_t>();
    for (int64_t n = 0; n < x.dim(0) && !interrupted(); ++n)
      add_curves(row,
                 trust_curves(network, x.slice(n, n + 1), labels[std::size_t(n)],
                              e.map.slice(n, n + 1), 20, options),
                 weight);
    row.randomised = randomised_network(network, x, *method, options, e.targets);
    if (interrupted()) return {};
    rows.push_back(row);
  }
  TrustRow random{.method = "random order", .curves = {}, .randomised = {}};
  for (int64_t n = 0; n < x.dim(0); ++n)
    add_curves(random,
               trust_curves(network, x.slice(n, n + 1), labels[std::size_t(n)],
                            random_map(x.dim(1), x.dim(2), uint64_t(n)), 20, options),
               weight);
  rows.push_back(random);
  return rows;
}

void print_trust(const std::vector<TrustRow>& rows, std::size_t images) {
  say("\nArea under the target's probability while pixels go (less is better) and come (more is "
      "better), and how like the map stays, 1 being the same, with half of the network's layers "
      "random, the last first, and with all. Means over %zu image%s.\n",
      images, images == 1 ? "" : "s");
  say("%-22s%10s%11s%8s%8s\n", "", "deletion", "insertion", "half", "all");
  for (auto& row : rows) {
    const auto& r = row.randomised;
    std::string likeness;
    if (!r.similarity.empty()) {
      char text[40];
      std::snprintf(text, sizeof text, "%8.2f%8.2f", r.half(), r.all());
      likeness = text;
      if (!r.depends_on_weights() && images >= enough_images)
        likeness += "  " + styled(Style::yellow, "hardly depends on the weights");
    }
    say("%-22s%10.3f%11.3f%s\n", row.method.c_str(), area_under(row.curves.deletion),
        area_under(row.curves.insertion), likeness.c_str());
  }
  if (images < enough_images)
    say("Of so few images likeness is partly chance: with %zu or more it is judged.\n",
        enough_images);
}

namespace {

constexpr std::size_t most_together = 6;  // curves that one plot's colours tell apart

Series curve(const std::string& name, const std::vector<double>& y) {
  return {name, even(0, 100, y.size()), y};
}
Series likeness_of(const std::string& name, const TrustRow& row) {
  std::vector<double> alike{1};
  for (double s : row.randomised.similarity) alike.push_back(s);
  return curve(name, alike);
}

// A plot for each method.
std::vector<Plot> apart(const std::vector<TrustRow>& rows) {
  std::vector<Plot> plots;
  for (auto& row : rows) {
    Plot plot{row.method,
              "% of pixels, or of layers made random",
              {curve("gone", row.curves.deletion), curve("there", row.curves.insertion)}};
    if (!row.randomised.similarity.empty()) plot.series.push_back(likeness_of("likeness", row));
    plots.push_back(plot);
  }
  return plots;
}

// A plot for each question.
std::vector<Plot> together(const std::vector<TrustRow>& rows) {
  Plot deletion{"Deletion: falls at once if the map is right", "% of pixels gone", {}},
      insertion{"Insertion: rises at once if the map is right", "% of pixels there", {}},
      likeness{"Likeness to the map of the trained network", "% of layers made random", {}};
  for (auto& row : rows) {
    deletion.series.push_back(curve(row.method, row.curves.deletion));
    insertion.series.push_back(curve(row.method, row.curves.insertion));
    if (!row.randomised.similarity.empty()) likeness.series.push_back(likeness_of(row.method, row));
  }
  return {deletion, insertion, likeness};
}

}  // namespace

void draw_trust(const std::string& path, const std::vector<TrustRow>& rows) {
  const bool many = rows.size() > most_together;
  draw_curves(path,
              many ? "Can these maps be trusted? Probability while pixels go and come; likeness "
                     "while weights become random"
                   : "Can these maps be trusted?",
              many ? apart(rows) : together(rows));
}

}  // namespace tweed::app
