// MiniPlaces as distributed: lists of images and of categories.
#include <algorithm>
#include <charconv>
#include <filesystem>
#include <unordered_map>
#include <unordered_set>

#include "data/dataset.h"
#include "data/folder_walk.h"
#include "data/layout.h"
#include "data/text_lines.h"

namespace tweed {
namespace {

namespace fs = std::filesystem;

// A line "NAME LABEL" of a list file.
struct Line {
  std::string name;
  int label = 0;
  int64_t number = 0;
};

// What may have gone wrong in a line that is not "NAME LABEL".
std::string hint(const std::string& text) {
  if (text[0] == '#') return "; there are no comments in lists";
  const bool spaced = text.find_first_of(" \t") != std::string::npos;
  if (!spaced && text.find(',') != std::string::npos) return "; a space parts them, not a comma";
  if (spaced && std::isdigit(uint8_t(text[0])) && !std::isdigit(uint8_t(text.back())))
    return "; the name comes first";
  return ", such as 'train/a/abbey/1.jpg 0'";
}

Line parse_line(const std::string& file, const TextLine& from) {
  const std::string& text = from.text;
  const auto space = text.find_last_of(" \t");
  const char* end = text.data() + text.size();
  Line line{"", 0, from.number};
  auto end_of_name = space == std::string::npos ? space : text.find_last_not_of(" \t", space);
  const char* digits = text.data() + (space == std::string::npos ? 0 : space + 1);
  auto [stop, error] = std::from_chars(digits, end, line.label);
  if (end_of_name == std::string::npos || error != std::errc() || stop != end || line.label < 0)
    throw line_error(file, from.number,
                     in_quotes(text) + " is not a name and a label" + hint(text));
  line.name = text.substr(0, end_of_name + 1);
  return line;
}

std::vector<Line> read_list(const fs::path& path) {
  const std::string file = path.string();
  std::error_code ignored;
  if (!fs::exists(path, ignored))
    throw FormatError(file, "is missing; a MiniPlaces folder has it in its root");
  std::vector<Line> lines;
  for (auto& line : read_lines(file)) lines.push_back(parse_line(file, line));
  if (lines.empty()) throw FormatError(file, "has no lines");
  return lines;
}

// "/b/bakery/shop" -> "bakery/shop"
std::string class_name(const std::string& category) {
  bool lettered = category.size() > 3 && category[0] == '/' && category[2] == '/';
  return category.substr(lettered ? 3 : category[0] == '/' ? 1 : 0);
}

std::vector<std::string> read_categories(const fs::path& path) {
  const auto lines = read_list(path);
  std::vector<std::string> names(lines.size());
  std::unordered_map<std::string, int64_t> seen;  // the line of each name
  for (auto& line : lines) {
    if (std::size_t(line.label) >= names.size() || !names[std::size_t(line.label)].empty())
      throw line_error(path.string(), line.number,
                       "label " + std::to_string(line.label) + " is given twice or leaves a gap: " +
                           std::to_string(names.size()) + " categories count from 0");
    const std::string name = class_name(line.name);
    const auto [place, is_new] = seen.emplace(name, line.number);
    if (!is_new)
      throw line_error(
          path.string(), line.number,
          in_quotes(name) + " is in line " + std::to_string(place->second) + " already");
    names[std::size_t(line.label)] = name;
  }
  return names;
}

// A network gets an output, and so some kilobytes, for every category.
void check_count(const fs::path& root, std::size_t classes, std::size_t images) {
  constexpr std::size_t most = 10'000;
  if (classes > std::max(most, images))
    throw FormatError((root / "categories.txt").string(), "has " + std::to_string(classes) +
                                                              " categories, but there are only " +
                                                              std::to_string(images) + " images");
}

std::string why_missing(const std::string& name) {
  if (name.find('\\') != std::string::npos) return "; '/' parts folders here, not '\\'";
  if (name[0] == '/')
    return "; names are relative to DATA/images or DATA, so without a '/' in front";
  return "";
}

// The samples of one list. The first image decides whether they lie below images/.
std::vector<Sample> read_samples(const fs::path& root, const char* list, std::size_t classes) {
  const std::string file = (root / list).string();
  const auto lines = read_list(file);
  check_count(root, classes, lines.size());
  const fs::path base = is_file(root / "images" / lines[0].name) ? root / "images" : root;
  std::vector<Sample> samples;
  for (auto& line : lines) {
    if (std::size_t(line.label) >= classes)
      throw line_error(file, line.number,
                       "label " + std::to_string(line.label) +
                           " is out of range: categories.txt has " + std::to_string(classes) +
                           " classes, from 0");
    const fs::path image = base / line.name;
    if (!is_file(image))
      throw line_error(
          file, line.number,
          "the image " + printable(image.string()) + " is not there" + why_missing(line.name));
    samples.push_back({image.string(), line.label});
  }
  return samples;
}

std::string images(std::size_t count) {
  return std::to_string(count) + (count == 1 ? " image" : " images");
}

// Lists are taken as they are; what is odd about them is said.
std::vector<std::string> oddities(const Listing& listing) {
  std::vector<std::string> notes;
  std::unordered_set<std::string> train, validation;
  for (auto& sample : listing.train) train.insert(sample.path);
  for (auto& sample : listing.validation) validation.insert(sample.path);
  const auto twice = [&](const char* list, std::size_t lines, std::size_t different) {
    if (lines > different)
      notes.push_back(std::string(list) + " names " + images(lines - different) +
                      " more than once.");
  };
  twice("train.txt", listing.train.size(), train.size());
  twice("val.txt", listing.validation.size(), validation.size());
  const auto shared = std::size_t(std::count_if(
      train.begin(), train.end(), [&](auto& path) { return validation.count(path); }));
  if (shared)
    notes.push_back("Both train.txt and val.txt name " + images(shared) +
                    ": what is measured on them is not validation.");
  return notes;
}

}  // namespace

Listing read_miniplaces(const std::string& root, Splits splits) {
  Listing listing;
  listing.classes = read_categories(fs::path(root) / "categories.txt");
  if (splits != Splits::validation)
    listing.train = read_samples(root, "train.txt", listing.classes.size());
  if (splits != Splits::train)
    listing.validation = read_samples(root, "val.txt", listing.classes.size());
  listing.notes = oddities(listing);
  return listing;
}

namespace {

// Whether train.txt beside a folder train/ is a plain list of file names: such a list has no
// labels, and the folder is one of class folders, not MiniPlaces.
bool is_stray_list(const fs::path& root) {
  const fs::path list = root / "train.txt";
  if (!is_folder(root / "train") || !is_file(list)) return false;
  const auto lines = read_lines(list.string());
  return !lines.empty() && lines[0].text.find_first_of(" \t,") == std::string::npos;
}

bool has_lists(const std::string& spec) {
  const fs::path root = spec;
  if (is_there(root / "categories.txt")) return true;
  return (is_there(root / "train.txt") || is_there(root / "val.txt")) && !is_stray_list(root);
}
Listing list_lists(const std::string& spec, const DataOptions&, Splits splits) {
  return read_miniplaces(spec, splits);
}

}  // namespace

const Layout layouts::miniplaces = {"MiniPlaces", has_lists,       list_lists, squares_from_files,
                                    128,          usual_load_size, true};

}  // namespace tweed
