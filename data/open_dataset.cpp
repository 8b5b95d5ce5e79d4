// From what the user names to datasets that are ready: find the layout, choose classes, decode.
#include <algorithm>
#include <filesystem>
#include <fstream>

#include "data/folder_walk.h"
#include "data/layout.h"
#include "data/pack.h"
#include "kernels/machine/error.h"

namespace tweed {
namespace {

bool wants_train(Splits s) { return s != Splits::validation; }
bool wants_validation(Splits s) { return s != Splits::train; }

// Bytes that programs can still take without swapping; 0 if the system does not say.
int64_t available_memory() {
  std::ifstream file("/proc/meminfo");
  std::string name, rest;
  int64_t kilobytes = 0;
  while (file >> name >> kilobytes && std::getline(file, rest))
    if (name == "MemAvailable:") return kilobytes * 1024;
  return 0;
}

std::string gigabytes(int64_t bytes) {
  char text[40];
  std::snprintf(text, sizeof text, "%.1f GB", double(bytes) / 1e9);
  return text;
}

// Whether decoded images stay in memory; says so in `notes` if they do not.
bool keeps(Keep keep, int64_t bytes, std::vector<std::string>& notes) {
  if (keep == Keep::in_memory) return true;
  int64_t available = available_memory();
  if (keep == Keep::automatic && (available == 0 || bytes <= available / 2)) return true;
  notes.push_back("The decoded images would take " + gigabytes(bytes) + " of " +
                  gigabytes(available) + " free memory: they are decoded on the fly.");
  return false;
}

void check_damage(const std::vector<DamagedImage>& damaged, int64_t total) {
  int64_t count = int64_t(damaged.size());
  if (count * 100 <= total) return;
  std::string message = std::to_string(count) + " of " + std::to_string(total) +
                        " images are damaged, more than 1 %: ";
  for (int64_t i = 0; i < std::min<int64_t>(3, count); ++i) {
    const auto& [file, reason] = damaged[std::size_t(i)];
    message += (i ? "; " : "") + printable(file) + " (" + reason + ")";
  }
  throw Error(message + (count > 3 ? "; ..." : ""));
}

void decode_all(DataSplits& data, const DataOptions& options, bool keep) {
  int64_t before = 0, total = data.train.size() + data.validation.size();
  auto tick = [&](int64_t done) {
    if (options.cancelled && options.cancelled()) throw Error("stopped while reading images");
    if (options.progress) options.progress(before + done, total);
  };
  for (Dataset* split : {&data.train, &data.validation}) {
    int64_t count = split->size();
    auto damaged = split->decode(options.workers, keep, tick);
    data.damaged.insert(data.damaged.end(), damaged.begin(), damaged.end());
    before += count;
  }
  check_damage(data.damaged, total);
}

// The pack of a split: its name says which images are wanted, so that runs with others have packs
// of their own; what is in it says whether they are those.
std::string pack_of(const std::string& place, const DataOptions& options, const Dataset& split,
                    const char* name) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  std::string wanted = fs::weakly_canonical(place, ignored).string() + '\n' + options.classes +
                       '\n' + std::to_string(options.limit) + '\n' +
                       std::to_string(options.validation_images) +
                       (options.all_validation ? " all" : "");
  for (auto& class_name : options.class_names) wanted += '\n' + class_name;
  fs::path folder = options.pack_folder;
  if (folder.empty())
    folder = (is_folder(place) ? fs::path(place) : fs::path(place).parent_path()) / ".tweed-pack";
  fs::create_directories(folder, ignored);  // writing says what is wrong
  return (folder / (std::string(name) + "-" + std::to_string(split.image_side()) + "-" +
                    digits_of(wanted) + ".pack"))
      .string();
}

void pack_all(DataSplits& data, const std::string& place, const DataOptions& options) {
  int64_t before = 0;
  const int64_t total = data.train.size() + data.validation.size();
  auto tick = [&](int64_t done) {
    if (options.cancelled && options.cancelled()) throw Error("stopped while reading images");
    if (options.progress) options.progress(before + done, total);
  };
  for (auto& [name, split] :
       {std::pair{"train", &data.train}, std::pair{"validation", &data.validation}}) {
    const int64_t count = split->size();
    if (count == 0) continue;
    const std::string path = pack_of(place, options, *split, name);
    std::string note;
    auto damaged = use_pack(*split, path, options.workers, tick, note);
    if (!note.empty())
      data.notes.push_back("Packed again, since " + printable(note) + ": " + printable(path) + ".");
    data.damaged.insert(data.damaged.end(), damaged.begin(), damaged.end());
    before += count;
  }
  check_damage(data.damaged, total);
}

// Classes of which a split has no images, if any.
void note_missing(const Listing& listing, const std::vector<Sample>& samples, const char* split,
                  std::vector<std::string>& notes) {
  std::vector<char> there(listing.classes.size());
  for (auto& sample : samples) there[std::size_t(sample.label)] = 1;
  std::string names;
  int64_t missing = 0;
  for (std::size_t i = 0; i < there.size(); ++i)
    if (!there[i] && ++missing <= 4)
      names += (names.empty() ? "" : ", ") + printable(listing.classes[i], 60);
  if (missing)
    notes.push_back(std::string("No ") + split + " images of " + std::to_string(missing) +
                    " class" + (missing > 1 ? "es: " : ": ") + names +
                    (missing > 4 ? ", ..." : "") + ".");
}

// What is asked for of what is there.
Listing wanted_listing(const Layout& layout, const std::string& spec, const DataOptions& options,
                       Splits splits) {
  Listing listing = layout.list(spec, options, splits);
  settle_class_names(listing, spec);
  try {
    listing = choose(std::move(listing), options);
  } catch (const Error& e) {
    throw FormatError(spec, e.what());
  }
  const auto as = std::string(" (read as ") + layout.name + ")";
  if (!wants_train(splits)) listing.train.clear();
  if (!wants_validation(splits)) listing.validation.clear();
  if (wants_train(splits) && listing.train.empty())
    throw FormatError(spec, "has no training images" + as);
  if (wants_validation(splits) && listing.validation.empty())
    throw FormatError(spec,
                      "has no validation images" + as +
                          "; where none are set apart, every tenth of a class is taken, so that "
                          "a class needs ten images");
  if (wants_train(splits)) note_missing(listing, listing.train, "training", listing.notes);
  if (wants_validation(splits))
    note_missing(listing, listing.validation, "validation", listing.notes);
  return listing;
}

}  // namespace

DataSplits open_dataset(const std::string& spec, const DataOptions& options, Splits splits) {
  std::string place = spec;
  const Layout& layout = layout_of(place);
  DataSplits data;
  data.image_size = options.image_size ? options.image_size : layout.image_size;
  if (data.image_size < 8)
    throw ShapeError("[open_dataset] image_size is " + std::to_string(data.image_size));
  const int side = options.load_size > 0 ? options.load_size : layout.load_size(data.image_size);
  if (side < data.image_size)
    throw ShapeError("[open_dataset] load_size is " + std::to_string(side) +
                     ", smaller than image_size, " + std::to_string(data.image_size));

  Listing listing = wanted_listing(layout, place, options, splits);
  if (place != spec)
    data.notes.push_back("Reading " + printable(place) + ", the only folder there.");
  data.notes.insert(data.notes.end(), listing.notes.begin(), listing.notes.end());
  const auto maker = layout.maker(options, side);
  data.train = Dataset(listing.classes, std::move(listing.train), side, maker, data.image_size);
  data.validation =
      Dataset(listing.classes, std::move(listing.validation), side, maker, data.image_size);
  if (options.pack && layout.from_files) {
    pack_all(data, place, options);
    return data;
  }
  if (options.pack) data.notes.push_back("Scenes are drawn, not read: nothing to pack.");
  bool keep = keeps(options.keep, data.train.bytes() + data.validation.bytes(), data.notes);
  // Files are decoded even if they are not kept: what is damaged must be known before training.
  if (keep || layout.from_files) decode_all(data, options, keep);
  return data;
}

}  // namespace tweed
