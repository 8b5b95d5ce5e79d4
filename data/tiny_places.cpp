#include "data/tiny_places.h"

#include <algorithm>

#include "kernels/machine/error.h"
#include "kernels/philox.h"

namespace tweed {

const std::vector<std::string>& tiny_places_classes() {
  static const std::vector<std::string> names{
      "bridge",  "coast",    "corn_field", "corridor",  "desert/sand",
      "iceberg", "mountain", "rainforest", "ski_slope", "skyscraper"};
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
  Random r(seed, Purpose::scene, uint32_t(index), uint32_t(label) << 1 | uint32_t(validation));
  Image im{size, size, {}};
  for (int i = 0; i < size * size * 3; ++i) im.pixels.push_back(uint8_t(r.bits()));
  return im;
}

}  // namespace tweed
