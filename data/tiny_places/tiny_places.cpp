#include "data/tiny_places/tiny_places.h"

#include <algorithm>

#include "data/layout.h"
#include "data/tiny_places/camera.h"
#include "kernels/machine/error.h"
#include "kernels/philox.h"

namespace tweed {

namespace {

struct Kind {
  const char* name;
  void (*draw)(scenes::Scene&);
  bool outdoors;
};
const Kind kinds[] = {
    {"bridge", scenes::draw_bridge, true},         {"coast", scenes::draw_coast, true},
    {"corn_field", scenes::draw_corn_field, true}, {"corridor", scenes::draw_corridor, false},
    {"desert/sand", scenes::draw_desert, true},    {"iceberg", scenes::draw_iceberg, true},
    {"mountain", scenes::draw_mountain, true},     {"rainforest", scenes::draw_rainforest, true},
    {"ski_slope", scenes::draw_ski_slope, true},   {"skyscraper", scenes::draw_skyscraper, true}};

}  // namespace

const std::vector<std::string>& tiny_places_classes() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> list;
    for (auto& kind : kinds) list.push_back(kind.name);
    return list;
  }();
  return names;
}

Listing list_tiny_places(int64_t train, int64_t validation) {
  Listing listing;
  listing.classes = tiny_places_classes();
  auto list = [&](const char* split, int64_t count, std::vector<Sample>& samples) {
    for (int label = 0; label < int(listing.classes.size()); ++label)
      for (int64_t i = 0; i < count; ++i)
        samples.push_back({std::string("tiny/") + split + "/" +
                               listing.classes[std::size_t(label)] + "/" + std::to_string(i),
                           label});
  };
  list("train", train, listing.train);
  list("val", validation, listing.validation);
  return listing;
}

Image draw_tiny_place(const Sample& sample, uint64_t seed, int size) {
  const std::string& name = sample.path;
  bool validation = name.rfind("tiny/val/", 0) == 0;
  auto start = std::size_t(validation ? 9 : 11), end = name.rfind('/');
  auto& classes = tiny_places_classes();
  auto place = std::find(classes.begin(), classes.end(), name.substr(start, end - start));
  return draw_tiny_place(int(place - classes.begin()), std::stoll(name.substr(end + 1)), validation,
                         seed, size);
}

Image draw_tiny_place(int label, int64_t index, bool validation, uint64_t seed, int size) {
  if (label < 0 || label >= int(std::size(kinds)) || size < 8)
    throw ShapeError("[draw_tiny_place] label " + std::to_string(label) + ", size " +
                     std::to_string(size));
  // Two cells of the canvas for a pixel of the photo.
  int side = int(float(2 * size) * scenes::kMargin);
  Random random(seed, Purpose::scene, uint32_t(index), uint32_t(label) << 1 | uint32_t(validation));
  scenes::Scene scene(side, random);
  scene.light = scenes::random_light(scene);
  const Kind& kind = kinds[label];
  kind.draw(scene);
  if (kind.outdoors) {
    scenes::draw_foreground(scene);
    scenes::draw_weather(scene);
  }
  return scenes::take_photo(scene, size);
}

namespace {

bool is_tiny(const std::string& spec) { return spec == "tiny"; }
Listing list_scenes(const std::string&, const DataOptions& options, Splits) {
  return list_tiny_places(options.tiny_train, options.tiny_validation);
}
Dataset::Maker scene_maker(const DataOptions& options, int side) {
  return [seed = options.seed, side](const Sample& s) { return draw_tiny_place(s, seed, side); };
}

}  // namespace

const Layout layouts::tiny_places = {"TinyPlaces", is_tiny,         list_scenes, scene_maker,
                                     128,          usual_load_size, false};

}  // namespace tweed
