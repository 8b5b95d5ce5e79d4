#include "apps/run_figures.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>

#include "apps/json_output.h"
#include "apps/run_folder.h"
#include "data/augment.h"
#include "data/whole_file.h"
#include "record/draw/canvas.h"
#include "record/draw/curves.h"
#include "record/metrics.h"
#include "record/report/base64.h"

namespace tweed::app {
namespace {

// Means of neighbours where there are more values than a curve can show.
Series thinned(const std::string& name, const std::vector<double>& y) {
  constexpr std::size_t most = 300;
  const std::size_t each = y.size() / most + 1;
  Series series{name, {}, {}};
  for (std::size_t i = 0; i < y.size(); i += each) {
    const std::size_t end = std::min(y.size(), i + each);
    series.x.push_back(double(i + 1 + end) / 2);
    series.y.push_back(
        std::accumulate(y.begin() + std::ptrdiff_t(i), y.begin() + std::ptrdiff_t(end), 0.0) /
        double(end - i));
  }
  return series;
}

std::vector<double> values_in(const std::string& path, const char* name,
                              std::optional<double> otherwise = {}) {
  return std::filesystem::exists(path) ? read_metric(path, name, otherwise) : std::vector<double>();
}

}  // namespace

void draw_run_curves(const std::string& folder, const std::string& title) {
  constexpr std::size_t few = 10;
  const std::string metrics = folder + "/" + run_file::metrics,
                    iterations = folder + "/" + run_file::iterations;
  auto of_epochs = [&](const char* name) { return values_in(metrics, name); };
  auto of_steps = [&](const char* name) { return values_in(iterations, name); };
  const std::size_t epochs = of_epochs("epoch").size();
  const auto at = of_steps("epoch");
  const bool by_steps = epochs < few && !at.empty() && double(epochs) == at.back();
  std::vector<double> ends;  // the last step of each epoch
  for (std::size_t i = 0; i < at.size(); ++i)
    if (i + 1 == at.size() || at[i + 1] != at[i]) ends.push_back(double(i + 1));
  if (ends.size() != epochs) ends.clear();
  const bool steps = by_steps && !ends.empty();
  const std::string x = steps ? "iteration" : "epoch";
  auto plot = [&](const char* what, const char* step_name, const char* train, const char* val) {
    Series training = steps && step_name ? thinned("training", of_steps(step_name))
                                         : Series{"training", {}, of_epochs(train)};
    if (steps && !step_name) training.x = ends;
    return Plot{
        what, x, {training, {"validation", steps ? ends : std::vector<double>(), of_epochs(val)}}};
  };
  Plot top1 = plot("Top-1 accuracy, %", "top1", "train_top1", "val_top1");
  if (!of_epochs("val_robust_top1").empty())
    top1.series.push_back({"under attack", steps ? ends : std::vector<double>(),
                           values_in(metrics, "val_robust_top1", NAN)});
  const Series rate = steps ? thinned("learning rate", of_steps("lr"))
                            : Series{"learning rate", {}, of_epochs("lr")};
  draw_curves(folder + "/" + run_file::curves, title,
              {plot("Loss", "loss", "train_loss", "val_loss"),
               top1,
               plot("Top-5 accuracy, %", nullptr, "train_top5", "val_top5"),
               {"Learning rate", x, {rate}}});
}

Image first_filters(const Module& network) {
  for (auto& [name, t] : network.parameters()) {
    if (t.ndim() != 4) continue;
    if (t.dim(3) != 3 || t.dim(1) < 3) return {};  // of other things than pixels, or single ones
    const auto values = t.to_doubles();
    const int count = int(t.dim(0)), side = int(t.dim(1)), columns = std::min(count, 16);
    const int rows = (count + columns - 1) / columns;
    Image image = draw::blank_image(rows * (side + 1) - 1, columns * (side + 1) - 1);
    const auto size = std::ptrdiff_t(side * side * 3);
    for (int i = 0; i < count; ++i) {
      const auto first = values.begin() + i * size;
      const auto [low, high] = std::minmax_element(first, first + size);
      Image filter{side, side, {}};
      for (auto v = first; v != first + size; ++v)
        filter.pixels.push_back(
            uint8_t(*high > *low ? 255 * (*v - *low) / (*high - *low) + 0.5 : 128));
      draw::draw_image(image, i % columns * (side + 1), i / columns * (side + 1), filter);
    }
    return image;
  }
  return {};
}

namespace {

using nlohmann::json;

json sample_of(const Dataset& data, const CheckpointInfo& info, int64_t i, const Outcome& o) {
  constexpr int thumbnail = 96;
  Image image = validation_crop(data.image(i), info.image_size);
  if (image.width > thumbnail) image = resize(image, thumbnail, thumbnail);
  json sample{{"image", "data:image/png;base64," + base64(encode_png(image))},
              {"file", data.path(i)},
              {"label", o.label},
              {"predicted", o.predicted},
              {"probability", o.probability}};
  if (std::isfinite(o.loss)) sample["loss"] = o.loss;
  return sample;
}

// Some of the images that are meant, spread over the whole data set.
template <class Meant>
std::vector<std::size_t> spread(const std::vector<Outcome>& outcomes, std::size_t count,
                                Meant meant) {
  std::vector<std::size_t> all, some;
  for (std::size_t i = 0; i < outcomes.size(); ++i)
    if (meant(outcomes[i])) all.push_back(i);
  for (std::size_t k = 0; k < std::min(count, all.size()); ++k)
    some.push_back(all[k * all.size() / std::min(count, all.size())]);
  return some;
}

std::vector<std::size_t> worst(const std::vector<Outcome>& outcomes, std::size_t count) {
  std::vector<std::size_t> order(outcomes.size());
  std::iota(order.begin(), order.end(), 0);
  count = std::min(count, order.size());
  std::partial_sort(order.begin(), order.begin() + std::ptrdiff_t(count), order.end(),
                    [&](auto a, auto b) { return outcomes[a].loss > outcomes[b].loss; });
  order.resize(count);
  return order;
}

}  // namespace

void write_validation(const std::string& folder, int64_t epoch, const CheckpointInfo& info,
                      const Dataset& data, const std::vector<Outcome>& outcomes) {
  constexpr std::size_t shown = 12;
  const std::size_t classes = info.classes.size();
  std::vector<int64_t> counts(classes), right(classes), top5(classes);
  std::map<std::pair<int32_t, int32_t>, int64_t> confusion;
  for (auto& o : outcomes) {
    ++counts[std::size_t(o.label)];
    right[std::size_t(o.label)] += o.rank < 1;
    top5[std::size_t(o.label)] += o.rank < 5;
    ++confusion[{o.label, o.predicted}];
  }
  json cells = json::array();  // those that are not 0
  for (auto& [cell, count] : confusion) cells.push_back({cell.first, cell.second, count});
  auto samples = [&](const std::vector<std::size_t>& chosen) {
    json list = json::array();
    for (std::size_t i : chosen) list.push_back(sample_of(data, info, int64_t(i), outcomes[i]));
    return list;
  };
  const json all{{"epoch", epoch},
                 {"images", outcomes.size()},
                 {"image_size", info.image_size},
                 {"classes", info.classes},
                 {"counts", counts},
                 {"right", right},
                 {"top5", top5},
                 {"confusion", cells},
                 {"calibration", json_of(calibration_of(outcomes))},
                 {"samples",
                  {{"right", samples(spread(outcomes, shown, [](auto& o) { return o.rank == 0; }))},
                   {"wrong", samples(spread(outcomes, shown, [](auto& o) { return o.rank != 0; }))},
                   {"worst", samples(worst(outcomes, shown))}}}};
  WholeFile file(folder + "/" + run_file::validation);
  file.write(all.dump(-1, ' ', false, json::error_handler_t::replace) + "\n");
  file.commit(false);
}

}  // namespace tweed::app
