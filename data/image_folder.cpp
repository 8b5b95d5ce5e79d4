// Folders of images, one for each class.
#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "data/dataset.h"
#include "data/folder_walk.h"
#include "data/layout.h"
#include "data/text_lines.h"

namespace tweed {
namespace {

namespace fs = std::filesystem;
using Classes = std::map<std::string, std::vector<std::string>>;  // images by class

std::string lower_case(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return char(std::tolower(c)); });
  return text;
}

// ---- classes

// In Tiny ImageNet a class's images lie in CLASS/images/.
bool is_container(const std::string& name) {
  const std::string lower = lower_case(name);
  return lower == "images" || lower == "image" || lower == "imgs" || lower == "img";
}

std::string class_of_folder(const std::string& folder) {
  const auto slash = folder.rfind('/');
  return slash != std::string::npos && is_container(folder.substr(slash + 1))
             ? folder.substr(0, slash)
             : folder;
}

// The folder itself or the nearest above it that `known` has; "" if none.
template <class Known>
std::string nearest_of(std::string folder, const Known& known) {
  while (!folder.empty() && !known.count(folder)) {
    const auto slash = folder.rfind('/');
    folder = slash == std::string::npos ? "" : folder.substr(0, slash);
  }
  return folder;
}
// The topmost one.
std::string topmost_of(const std::string& folder, const std::set<std::string>& known) {
  for (auto slash = folder.find('/'); slash != std::string::npos;
       slash = folder.find('/', slash + 1))
    if (known.count(folder.substr(0, slash))) return folder.substr(0, slash);
  return folder;
}

// A class is a folder that holds images; images in folders below it belong to the same class.
// Takes the files out of `content`, except those in no class folder.
Classes classes_in(FolderContent& content) {
  std::set<std::string> names;
  for (auto& [folder, files] : content.images) names.insert(class_of_folder(folder));
  Classes classes;
  for (auto& [folder, files] : content.images) {
    if (folder.empty()) continue;
    auto& all = classes[topmost_of(class_of_folder(folder), names)];
    std::move(files.begin(), files.end(), std::back_inserter(all));
    files.clear();
  }
  for (auto& [name, files] : classes) std::sort(files.begin(), files.end());
  return classes;
}

// ---- which folder is what

struct Part {
  std::string folder;  // its name in the root; "": none
  FolderContent content;
  Classes classes;
};

Part read_part(const fs::path& root, const std::string& folder) {
  Part part{folder, walk_folder((root / folder).string()), {}};
  part.classes = classes_in(part.content);
  return part;
}

// Whether the folder is divided into classes: a folder of images alone is a class, or has no
// labels.
bool has_classes(const Part& part) {
  return std::any_of(part.classes.begin(), part.classes.end(),
                     [](auto& c) { return !is_container(c.first); });
}

// The place of a folder's name in a list of names, which come with the better ones first; -1 if it
// is not in there.
int rank_of(const std::string& folder, const std::vector<std::string>& names) {
  const auto place = std::find(names.begin(), names.end(), lower_case(folder));
  return place == names.end() ? -1 : int(place - names.begin());
}
const std::vector<std::string> training_names{"train", "training"};
const std::vector<std::string> validation_names{"val", "validation", "valid",
                                                "dev", "test",       "testing"};

bool is_named_like_a_split(const std::string& name) {
  return is_split_name(name.substr(name.rfind('/') + 1));
}

// Names and the places of images in Tiny ImageNet's validation folder.
constexpr const char* annotations = "val_annotations.txt";

// Its lines are "NAME CLASS X Y X Y", of images in images/.
void read_annotations(const fs::path& folder, Part& part) {
  const std::string file = (folder / annotations).string();
  std::error_code ignored;
  for (auto& [number, text] : read_lines(file)) {
    const auto tab = text.find('\t'), end = std::min(text.find('\t', tab + 1), text.size());
    if (tab == std::string::npos || tab + 1 == end)
      throw line_error(file, number, in_quotes(text) + " is not a name, a tab and a class");
    const fs::path image = folder / "images" / text.substr(0, tab);
    if (!fs::is_regular_file(image, ignored))
      throw line_error(file, number, "the image " + printable(image.string()) + " is not there");
    part.classes[text.substr(tab + 1, end - tab - 1)].push_back(image.string());
  }
}

struct Parts {
  Part train, validation;
  std::vector<std::string> left_out;  // what else is in the root, and why
};

// The best of the folders in the root that have one of the names; the others are left out.
Part best_part(const fs::path& root, const std::vector<std::string>& folders,
               const std::vector<std::string>& names, std::vector<std::string>& left_out) {
  std::vector<std::string> candidates;
  for (auto& folder : folders)
    if (rank_of(folder, names) >= 0) candidates.push_back(folder);
  std::stable_sort(candidates.begin(), candidates.end(),
                   [&](auto& a, auto& b) { return rank_of(a, names) < rank_of(b, names); });
  Part best;
  std::error_code ignored;
  for (auto& folder : candidates) {
    if (!best.folder.empty()) {
      left_out.push_back(printable(folder, 60) + "/ (" + printable(best.folder) + "/ is taken)");
      continue;
    }
    Part part = read_part(root, folder);
    if (!has_classes(part) && fs::exists(root / folder / annotations, ignored)) {
      part.classes.clear();
      read_annotations(root / folder, part);
    }
    if (has_classes(part))
      best = std::move(part);
    else
      left_out.push_back(printable(folder, 60) + "/ (no images in class folders)");
  }
  return best;
}

// Splits in folders of their own; none if the root's folders are classes.
Parts find_parts(const fs::path& root) {
  Parts parts;
  const auto folders = folders_in(root.string());
  parts.train = best_part(root, folders, training_names, parts.left_out);
  // Beside other class folders and without a folder for training, one called "test" or "val" is a
  // class, too.
  const bool others = std::any_of(folders.begin(), folders.end(),
                                  [](auto& folder) { return !is_split_name(folder); });
  if (parts.train.folder.empty() && others) return {};
  parts.validation = best_part(root, folders, validation_names, parts.left_out);
  if (parts.train.folder.empty() && parts.validation.folder.empty()) return {};
  for (auto& folder : folders)
    if (!is_split_name(folder))
      parts.left_out.push_back(printable(folder, 60) + "/ (beside the splits)");
  return parts;
}

// ---- samples

void append(std::vector<Sample>& samples, const std::vector<std::string>& files,
            std::size_t label) {
  for (auto& file : files) samples.push_back({file, int(label)});
}

// Labels are those of training, whatever classes are missing here.
std::vector<Sample> validation_samples(const Part& part, const std::vector<std::string>& names,
                                       const fs::path& root) {
  std::map<std::string, std::size_t> labels;
  for (auto& name : names) labels.emplace(name, labels.size());
  std::vector<Sample> samples;
  for (auto& [name, files] : part.classes) {
    const std::string known = nearest_of(name, labels);
    if (known.empty())
      throw FormatError((root / part.folder / name).string(),
                        "is a class of which there are no images for training");
    append(samples, files, labels.at(known));
  }
  return samples;
}

void split_off_validation(const Classes& classes, Listing& listing) {
  constexpr std::size_t every = 10;
  std::size_t label = 0;
  for (auto& [name, files] : classes) {
    for (std::size_t i = 0; i < files.size(); ++i)
      append(i % every == every - 1 ? listing.validation : listing.train, {files[i]}, label);
    ++label;
  }
}

// ---- what is said about it

std::string counted(int64_t count, const char* what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

// What of a part is not taken.
void append_left_out(const Part& part, std::vector<std::string>& left_out) {
  const FolderContent& content = part.content;
  const std::string in = part.folder.empty() ? "" : " in " + printable(part.folder) + "/";
  std::vector<std::pair<int64_t, std::string>> endings;
  for (auto& [end, count] : content.others) endings.emplace_back(-count, end);
  std::sort(endings.begin(), endings.end());
  std::string files;
  for (std::size_t i = 0; i < std::min<std::size_t>(4, endings.size()); ++i)
    files += (i ? ", " : "") + std::to_string(-endings[i].first) + " " +
             printable(endings[i].second, 30);
  if (!files.empty())
    left_out.push_back("files that are not .jpg, .jpeg or .png" + in + " (" + files +
                       (endings.size() > 4 ? ", ...)" : ")"));
  if (auto flat = content.images.find(""); flat != content.images.end())
    left_out.push_back(counted(int64_t(flat->second.size()), "image") + in + " in no class folder");
  if (content.hidden) left_out.push_back(counted(content.hidden, "hidden name") + in);
  if (content.seen_before)
    left_out.push_back(counted(content.seen_before, "link") + in +
                       " to folders that are there already");
  if (content.broken) left_out.push_back(counted(content.broken, "broken link") + in);
}

// Folders in a part that gave no class.
std::string empty_folders(const fs::path& root, const Part& part) {
  std::string text;
  int count = 0;
  for (auto& folder : folders_in((root / part.folder).string())) {
    const auto first = part.classes.lower_bound(folder);
    const bool used = first != part.classes.end() &&
                      (first->first == folder || first->first.starts_with(folder + "/"));
    if (!used && !(part.folder.empty() && is_split_name(folder)) && ++count <= 4)
      text += (text.empty() ? "" : ", ") + printable(folder, 60) + "/";
  }
  if (count > 4) text += ", ...";
  return text.empty() ? "" : "folders without images (" + text + ")";
}

// A line that a terminal shows whole, or nearly.
std::string joined(const std::vector<std::string>& parts) {
  constexpr std::size_t most = 8;
  std::string text;
  for (std::size_t i = 0; i < std::min(most, parts.size()); ++i) text += (i ? "; " : "") + parts[i];
  if (parts.size() > most) text += "; and " + std::to_string(parts.size() - most) + " more";
  return text;
}

std::vector<std::string> notes_on(const fs::path& root, Parts& parts) {
  const Part &train = parts.train, &validation = parts.validation;
  std::string taken = "Taken: ";
  if (train.classes.empty() && validation.folder.empty())
    taken += counted(int64_t(validation.classes.size()), "class folder") + " for validation";
  if (!train.classes.empty()) {
    taken += train.folder.empty() ? counted(int64_t(train.classes.size()), "class folder")
                                  : printable(train.folder) + "/ for training";
    taken += validation.folder.empty() ? ", every tenth image of a class for validation" : ", ";
  }
  if (!validation.folder.empty()) taken += printable(validation.folder) + "/ for validation";
  auto& left_out = parts.left_out;
  for (const Part* part : {&train, &validation})
    if (!part->classes.empty()) append_left_out(*part, left_out);
  const Part& named = train.classes.empty() ? validation : train;
  std::error_code ignored;
  for (const char* list : {"train.txt", "val.txt"})
    if (fs::exists(root / list, ignored))
      left_out.push_back(std::string(list) + " (no list of MiniPlaces)");
  if (auto empty = empty_folders(root, named); !empty.empty()) left_out.push_back(empty);
  std::vector<std::string> notes{taken + "."};
  for (auto& [name, files] : train.folder.empty() ? train.classes : Classes())
    if (is_named_like_a_split(name))
      notes.push_back(in_quotes(name) +
                      " is taken as a class: it holds images and no class folders.");
  if (!left_out.empty()) notes.push_back("Left out: " + joined(left_out) + ".");
  return notes;
}

// For a folder that gave nothing.
std::string what_is_there(const fs::path& root, const FolderContent& content) {
  std::error_code ignored;
  if (fs::exists(root / "data_batch_1", ignored))
    return "holds CIFAR-10 for Python; take its binary version (cifar-10-binary.tar.gz)";
  if (fs::exists(root / "train.bin", ignored))
    return "holds train.bin, which has no whole records of CIFAR-100";
  if (content.images.count(""))
    return "holds images in no class folder; sort them into " + printable(root.string()) +
           "/CLASS/, a folder for each class";
  return "holds neither train.txt and val.txt (MiniPlaces) nor images (.jpg, .jpeg, .png) in "
         "folders named by class";
}

// Folders called train and test that hold images are classes only beside others.
void check_classes(const fs::path& root, const Classes& classes) {
  if (!std::all_of(classes.begin(), classes.end(),
                   [](auto& c) { return is_named_like_a_split(c.first); }))
    return;
  const std::string name = printable(classes.begin()->first);
  throw FormatError((root / classes.begin()->first).string(),
                    "holds images in no class folder; sort them into " + name +
                        "/CLASS/, a folder for each class");
}

}  // namespace

bool is_split_name(const std::string& folder) {
  return rank_of(folder, training_names) >= 0 || rank_of(folder, validation_names) >= 0;
}

Listing read_image_folder(const std::string& spec, bool all_validation) {
  const fs::path root = spec;
  Parts parts = find_parts(root);
  Part &train = parts.train, &validation = parts.validation;
  if (train.classes.empty() && validation.classes.empty()) {
    Part& all = all_validation ? validation : train;
    all = read_part(root, "");
    if (all.classes.empty()) throw FormatError(spec, what_is_there(root, all.content));
    check_classes(root, all.classes);
  }
  Listing listing;
  for (auto& [name, files] : train.classes.empty() ? validation.classes : train.classes)
    listing.classes.push_back(name);
  if (validation.classes.empty()) {
    split_off_validation(train.classes, listing);
  } else {
    std::size_t label = 0;
    for (auto& [name, files] : train.classes) append(listing.train, files, label++);
    listing.validation = validation_samples(validation, listing.classes, root);
  }
  listing.notes = notes_on(root, parts);
  return listing;
}

namespace {

bool is_any_folder(const std::string&) { return true; }
Listing list_folders(const std::string& spec, const DataOptions& options, Splits) {
  return read_image_folder(spec, options.all_validation);
}

}  // namespace

const Layout layouts::folders = {"folders", is_any_folder,   list_folders, squares_from_files,
                                 128,       usual_load_size, true};

}  // namespace tweed
