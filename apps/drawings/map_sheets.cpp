#include "apps/drawings/map_sheets.h"

#include <cctype>

#include "record/draw/figure.h"

namespace tweed::app {
namespace {

constexpr int64_t most_answers = 5;

// What is known of one image.
struct Explained {
  std::vector<Answer> answers;  // likeliest first
  double probability = 0;       // of the class that was asked about
  std::vector<Tensor> maps;     // (H, W), for each method
};

Explained explain_image(const Checkpoint& checkpoint, const Image& image, Device device,
                        const MapWish& wish) {
  Module& network = *checkpoint.network;
  const Tensor x = normalized({&image, 1}, checkpoint.info, device);
  const Tensor target =
      wish.target < 0 ? Tensor() : Tensor::from<int32_t>({wish.target}, {1}, device);
  Explained result;
  for (auto* method : wish.methods) {
    const Explanation e = explain(network, x, *method, wish.options, target);
    result.maps.push_back(e.map.reshape({image.height, image.width}));
    if (!result.answers.empty()) continue;
    result.answers = top_classes(e.logits, checkpoint.info.classes, most_answers)[0];
    const auto all = top_classes(e.logits, checkpoint.info.classes, e.logits.dim(1))[0];
    for (auto& answer : all)
      if (answer.label == wish.target) result.probability = answer.probability;
  }
  return result;
}

// Below a map: whose it is, unless the answer's.
std::vector<Caption> asked_about(const Explained& e, const MapWish& wish,
                                 const CheckpointInfo& info) {
  if (wish.target < 0) return {};
  return {"for " + info.classes[std::size_t(wish.target)] + " " + percent(e.probability)};
}

std::vector<Cell> cells_of(const Samples& samples, std::size_t i, const Explained& e,
                           const MapWish& wish, const CheckpointInfo& info) {
  const Image& image = samples.images[i];
  const Caption answer = said(e.answers[0], samples.labels[i]), truth = truth_of(samples, i, info);
  std::vector<Cell> cells;
  auto about = asked_about(e, wish, info);
  if (wish.methods.size() == 1) {
    if (about.empty()) about.emplace_back(wish.methods[0]->name);
    cells.push_back({image, {truth}});
    cells.push_back({map_overlay(image, e.maps[0], wish.colors), {answer}});
    cells.push_back({draw_map(e.maps[0], wish.colors), about});
    return cells;
  }
  cells.push_back({image, {truth, answer}});
  for (auto& map : e.maps) cells.push_back({map_overlay(image, map, wish.colors), about});
  return cells;
}

std::string colors_note(const MapWish& wish) {
  switch (wish.colors) {
    case Colors::red:
      return "Red: more than twice the image's mean.";
    case Colors::signed_:
      return "Red speaks for the class, blue against it, where a method tells them apart.";
    default:
      return "Each map has its own scale, up to the value that one pixel in 200 exceeds.";
  }
}

void add_headings(Sheet& sheet, const MapWish& wish, const CheckpointInfo& info) {
  const ExplainMethod& first = *wish.methods[0];
  if (wish.methods.size() == 1) {
    sheet.title = std::string(first.title) + " of " + info.model;
    std::string shows = first.shows;
    shows[0] = char(std::toupper(shows[0]));
    sheet.notes = {shows + ". " + first.source, colors_note(wish)};
    return;
  }
  sheet.title = "What answers of " + info.model + " depend on";
  sheet.notes = {colors_note(wish)};
  sheet.column_heads = {"image"};
  for (auto* method : wish.methods) sheet.column_heads.emplace_back(method->title);
}

}  // namespace

bool write_map_sheet(const std::string& path, const Checkpoint& checkpoint, const Samples& samples,
                     Device device, const MapWish& asked, std::vector<std::vector<Answer>>* given) {
  MapWish wish = asked;
  wish.options.cancelled = interrupted;
  Sheet sheet;
  add_headings(sheet, wish, checkpoint.info);
  sheet.scaling = scaling_for(checkpoint.info.image_size);
  std::vector<Cell> cells;
  for (std::size_t i = 0; i < samples.images.size(); ++i) {
    const Explained e = explain_image(checkpoint, samples.images[i], device, wish);
    if (interrupted()) return false;
    if (given) given->push_back(e.answers);
    for (auto& cell : cells_of(samples, i, e, wish, checkpoint.info)) cells.push_back(cell);
  }
  const auto columns = int(wish.methods.size()) + 1;
  sheet.rows = in_rows(cells, columns > 2 ? columns : samples.images.size() > 1 ? 6 : 3);
  write_sheet(path, sheet);
  return true;
}

}  // namespace tweed::app
