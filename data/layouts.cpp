// The layouts of data sets on disk.
#include <algorithm>
#include <charconv>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>

#include "data/dataset.h"
#include "kernels/machine/error.h"

namespace tweed {
namespace {

namespace fs = std::filesystem;

bool is_folder(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}
bool is_file(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}

// ---- MiniPlaces
// ----------------------------------------------------------------------------------

// A line "NAME LABEL" of a list file.
struct Line {
  std::string name;
  int label = 0;
  int number = 0;
};

FormatError line_error(const std::string& file, int number, const std::string& what) {
  return FormatError(file, "line " + std::to_string(number) + ": " + what);
}

Line parse_line(const std::string& file, int number, const std::string& text) {
  auto space = text.find_last_of(" \t");
  const char* end = text.data() + text.size();
  Line line{"", 0, number};
  auto end_of_name = space == std::string::npos ? space : text.find_last_not_of(" \t", space);
  const char* digits = text.data() + (space == std::string::npos ? 0 : space + 1);
  auto [stop, error] = std::from_chars(digits, end, line.label);
  if (end_of_name == std::string::npos || error != std::errc() || stop != end || line.label < 0)
    throw line_error(file, number, "'" + text + "' is not a name and a label");
  line.name = text.substr(0, end_of_name + 1);
  return line;
}

std::vector<Line> read_list(const fs::path& path) {
  std::string file = path.string(), text;
  std::ifstream stream(path);
  if (!stream || !is_file(path))
    throw FormatError(file, "is missing; a MiniPlaces folder has it in its root");
  std::vector<Line> lines;
  for (int number = 1; std::getline(stream, text); ++number) {
    while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back()))) text.pop_back();
    if (!text.empty()) lines.push_back(parse_line(file, number, text));
  }
  if (lines.empty()) throw FormatError(file, "has no lines");
  return lines;
}

// "/b/bakery/shop" -> "bakery/shop"
std::string class_name(const std::string& category) {
  bool lettered = category.size() > 3 && category[0] == '/' && category[2] == '/';
  return category.substr(lettered ? 3 : category[0] == '/' ? 1 : 0);
}

std::vector<std::string> read_categories(const fs::path& path) {
  auto lines = read_list(path);
  std::vector<std::string> names(lines.size());
  for (auto& line : lines) {
    if (std::size_t(line.label) >= names.size() || !names[std::size_t(line.label)].empty())
      throw line_error(path.string(), line.number,
                       "label " + std::to_string(line.label) + " is given twice or leaves a gap: " +
                           std::to_string(names.size()) + " categories count from 0");
    names[std::size_t(line.label)] = class_name(line.name);
  }
  return names;
}

// The samples of one list. The first image decides whether they lie below images/.
std::vector<Sample> read_samples(const fs::path& root, const char* list, std::size_t classes) {
  std::string file = (root / list).string();
  auto lines = read_list(file);
  fs::path base = is_file(root / "images" / lines[0].name) ? root / "images" : root;
  std::vector<Sample> samples;
  for (auto& line : lines) {
    if (std::size_t(line.label) >= classes)
      throw line_error(file, line.number,
                       "label " + std::to_string(line.label) +
                           " is out of range: categories.txt has " + std::to_string(classes) +
                           " classes, from 0");
    fs::path image = base / line.name;
    if (!is_file(image))
      throw line_error(file, line.number, "the image " + image.string() + " is not there");
    samples.push_back({image.string(), line.label});
  }
  return samples;
}

// ---- folders
// ---------------------------------------------------------------------------------------

bool is_image_name(const fs::path& path) {
  std::string end = path.extension().string();
  std::transform(end.begin(), end.end(), end.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  return end == ".jpg" || end == ".jpeg" || end == ".png";
}

// Image files by class: the folder they lie in, relative to `root`. Both in order of names.
using Folders = std::map<std::string, std::vector<std::string>>;
Folders find_images(const fs::path& root) {
  Folders folders;
  try {
    auto options = fs::directory_options::follow_directory_symlink;
    for (auto& entry : fs::recursive_directory_iterator(root, options)) {
      const fs::path& path = entry.path();
      if (!is_image_name(path) || !entry.is_regular_file()) continue;
      std::string name = path.parent_path().lexically_relative(root).generic_string();
      if (name != ".") folders[name].push_back(path.string());
    }
  } catch (const fs::filesystem_error& e) {
    throw FormatError(root.string(), "cannot be listed: " + e.code().message());
  }
  for (auto& [name, files] : folders) std::sort(files.begin(), files.end());
  return folders;
}

std::vector<Sample> with_labels(const Folders& folders, const std::vector<std::string>& classes,
                                const fs::path& root) {
  std::vector<Sample> samples;
  for (auto& [name, files] : folders) {
    auto place = std::lower_bound(classes.begin(), classes.end(), name);
    if (place == classes.end() || *place != name)
      throw FormatError((root / name).string(), "is a class without a folder for training");
    for (auto& file : files) samples.push_back({file, int(place - classes.begin())});
  }
  return samples;
}

void split_off_validation(const Folders& all, Folders& train, Folders& validation) {
  constexpr std::size_t every = 10;
  for (auto& [name, files] : all)
    for (std::size_t i = 0; i < files.size(); ++i)
      (i % every == every - 1 ? validation : train)[name].push_back(files[i]);
}

}  // namespace

Listing read_miniplaces(const std::string& root, Splits splits) {
  Listing listing;
  listing.classes = read_categories(fs::path(root) / "categories.txt");
  if (splits != Splits::validation)
    listing.train = read_samples(root, "train.txt", listing.classes.size());
  if (splits != Splits::train)
    listing.validation = read_samples(root, "val.txt", listing.classes.size());
  return listing;
}

Listing read_image_folder(const std::string& root, Splits) {
  fs::path train_root = fs::path(root) / "train", validation_root;
  for (const char* name : {"test", "validation", "val"})
    if (is_folder(fs::path(root) / name)) validation_root = fs::path(root) / name;
  Folders train, validation;
  if (!validation_root.empty()) {
    validation = find_images(validation_root);
    if (is_folder(train_root)) train = find_images(train_root);
  } else {
    if (!is_folder(train_root)) train_root = root;
    split_off_validation(find_images(train_root), train, validation);
  }
  if (train.empty() && validation.empty())
    throw FormatError(root,
                      "holds neither train.txt and val.txt (MiniPlaces) nor images (.jpg, .jpeg, "
                      ".png) in folders named by class");
  Listing listing;
  for (auto& [name, files] : train.empty() ? validation : train) listing.classes.push_back(name);
  listing.train = with_labels(train, listing.classes, train_root);
  listing.validation = with_labels(validation, listing.classes, validation_root);
  return listing;
}

}  // namespace tweed
