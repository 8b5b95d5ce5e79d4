// The table of layouts.
#include <algorithm>
#include <cmath>
#include <filesystem>

#include "data/cifar10.h"
#include "data/folder_walk.h"
#include "data/layout.h"
#include "data/text_lines.h"
#include "data/tiny_places.h"

namespace tweed {
namespace {

namespace fs = std::filesystem;

bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}
bool is_folder(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

int same_size(int image_size) { return image_size; }

// ---- TinyPlaces

bool is_tiny(const std::string& spec) { return spec == "tiny"; }
Listing list_tiny(const std::string&, const DataOptions& options, Splits) {
  return list_tiny_places(options.tiny_train, options.tiny_validation);
}
Dataset::Maker scene_maker(const DataOptions& options, int side) {
  return [seed = options.seed, side](const Sample& s) { return draw_tiny_place(s, seed, side); };
}

// ---- CIFAR-10

Listing list_cifar10(const std::string& spec, const DataOptions&, Splits splits) {
  return read_cifar10(spec, splits);
}
// Records are what a network sees, unless it wants another size.
Dataset::Maker record_reader(const DataOptions&, int side) {
  return [side](const Sample& sample) {
    Image image = read_cifar10_image(sample);
    return side == cifar10_side ? image : resize(image, side, side);
  };
}

// ---- files

// As the coursework stores them: the shorter side resized, and then the middle square, since all
// stored images have one size.
Dataset::Maker file_reader(const DataOptions&, int side) {
  return [side](const Sample& sample) {
    Image image = decode_image(sample.path);
    // The middle of such a strip shows nothing, and scaling it up would take gigabytes.
    if (std::max(image.height, image.width) > 50 * std::min(image.height, image.width))
      throw FormatError(sample.path, "is a strip of " + std::to_string(image.height) + " x " +
                                         std::to_string(image.width) + " pixels");
    return center_crop(resize_short_side(image, side), side);
  };
}

// Lists that happen to lie in an image folder name no labels.
bool is_stray_list(const fs::path& root) {
  const fs::path list = root / "train.txt";
  std::error_code ignored;
  if (!is_folder(root / "train") || !fs::is_regular_file(list, ignored)) return false;
  const auto lines = read_lines(list.string());
  return !lines.empty() && lines[0].text.find_first_of(" \t,") == std::string::npos;
}

bool is_miniplaces(const std::string& spec) {
  const fs::path root = spec;
  if (is_there(root / "categories.txt")) return true;
  return (is_there(root / "train.txt") || is_there(root / "val.txt")) && !is_stray_list(root);
}
Listing list_miniplaces(const std::string& spec, const DataOptions&, Splits splits) {
  return read_miniplaces(spec, splits);
}

bool is_any_folder(const std::string&) { return true; }
Listing list_image_folder(const std::string& spec, const DataOptions& options, Splits) {
  return read_image_folder(spec, options.all_validation);
}

constexpr Layout layouts[] = {
    {"TinyPlaces", is_tiny, list_tiny, scene_maker, 128, usual_load_size, false},
    {"CIFAR-10", is_cifar10, list_cifar10, record_reader, cifar10_side, same_size, true},
    {"MiniPlaces", is_miniplaces, list_miniplaces, file_reader, 128, usual_load_size, true},
    {"folders", is_any_folder, list_image_folder, file_reader, 128, usual_load_size, true},
};

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

int usual_load_size(int image_size) { return int(std::lround(image_size * 144.0 / 128)); }

const Layout& layout_of(std::string& spec) {
  const Layout& folders = layouts[std::size(layouts) - 1];
  for (int depth = 0; depth < 100; ++depth) {
    for (auto& layout : layouts)
      if (&layout != &folders && layout.fits(spec)) return layout;
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
