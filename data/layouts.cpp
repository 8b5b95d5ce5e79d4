// The table of layouts.
#include <algorithm>
#include <cmath>
#include <filesystem>

#include "data/folder_walk.h"
#include "data/layout.h"
#include "kernels/machine/error.h"

namespace tweed {
namespace {

namespace fs = std::filesystem;

// The order in which they are asked whether a data set is theirs.
constexpr const Layout* rows[] = {
    &layouts::tiny_places, &layouts::cifar100,   &layouts::cifar10, &layouts::mnist,
    &layouts::oxford_pets, &layouts::miniplaces, &layouts::folders};

// The folder in a folder that holds nothing else, such as what an archive was unpacked to; "" if
// there are images, several folders, or one that is a class or a split.
std::string only_folder(const fs::path& root) {
  const auto folders = folders_in(root.string());
  if (folders.size() != 1 || is_split_name(folders[0]) || holds_images(root.string())) return "";
  const fs::path inner = root / folders[0];
  if (holds_images(inner.string())) return "";
  const auto further = folders_in(inner.string());
  if (further.size() == 1 && holds_images((inner / further[0]).string())) return "";
  return inner.string();
}

}  // namespace

Dataset::Maker squares_from_files(const DataOptions&, int side) {
  return [side](const Sample& sample) {
    Image image = decode_image(sample.path);
    // Resizing the shorter side of such a strip would make the longer one 50 times as long, which
    // takes gigabytes, and the middle square would show next to nothing of it.
    if (std::max(image.height, image.width) > 50 * std::min(image.height, image.width))
      throw FormatError(sample.path, "is a strip of " + std::to_string(image.height) + " x " +
                                         std::to_string(image.width) + " pixels");
    return center_crop(resize_short_side(image, side), side);
  };
}

void split_off_validation(Listing& listing) {
  constexpr int every = 10;
  std::vector<Sample> all;
  std::swap(all, listing.train);
  std::vector<int> seen(listing.classes.size());
  for (auto& sample : all)
    (++seen[std::size_t(sample.label)] % every ? listing.train : listing.validation)
        .push_back(sample);
}

int usual_load_size(int image_size) { return int(std::lround(image_size * 144.0 / 128)); }

const Layout& layout_of(std::string& spec) {
  const Layout& folders = layouts::folders;
  for (int depth = 0; depth < 100; ++depth) {
    for (const Layout* layout : rows)
      if (layout != &folders && layout->fits(spec)) return *layout;
    if (!is_there(spec))
      throw FormatError(spec,
                        "is not there; DATA is a folder, or 'tiny' for the built-in TinyPlaces");
    if (!is_folder(spec)) throw FormatError(spec, "is no folder");
    const std::string inner = only_folder(spec);
    if (inner.empty()) break;
    spec = inner;
  }
  return folders;
}

}  // namespace tweed
