// From what the user names to datasets that are ready: find the layout, choose classes, decode.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>

#include "data/cifar10.h"
#include "data/dataset.h"
#include "data/tiny_places.h"
#include "kernels/machine/error.h"

namespace tweed {
namespace {

namespace fs = std::filesystem;

bool wants_train(Splits s) { return s != Splits::validation; }
bool wants_validation(Splits s) { return s != Splits::train; }

Listing list_folder(const std::string& root, Splits splits) {
  std::error_code ignored;
  if (is_cifar10(root)) return read_cifar10(root, splits);
  if (!fs::exists(root, ignored))
    throw FormatError(root,
                      "is not there; DATA is a folder, or 'tiny' for the built-in TinyPlaces");
  if (!fs::is_directory(root, ignored)) throw FormatError(root, "is no folder");
  for (const char* file : {"train.txt", "val.txt", "categories.txt"})
    if (fs::exists(fs::path(root) / file, ignored)) return read_miniplaces(root, splits);
  return read_image_folder(root, splits);
}

// As the coursework stores them: the shorter side resized, and then the middle square, since all
// stored images have one size.
Dataset::Maker file_reader(int side) {
  return [side](const Sample& sample) {
    Image image = decode_image(sample.path);
    // The middle of such a strip shows nothing, and scaling it up would take gigabytes.
    if (std::max(image.height, image.width) > 50 * std::min(image.height, image.width))
      throw FormatError(sample.path, "is a strip of " + std::to_string(image.height) + " x " +
                                         std::to_string(image.width) + " pixels");
    return center_crop(resize_short_side(image, side), side);
  };
}

// Records of CIFAR-10 are what a network sees, unless it wants another size.
Dataset::Maker record_reader(int side) {
  return [side](const Sample& sample) {
    Image image = read_cifar10_image(sample);
    return side == cifar10_side ? image : resize(image, side, side);
  };
}

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

// Whether decoded images stay in memory; says so in `note` if they do not.
bool keeps(Keep keep, int64_t bytes, std::string& note) {
  if (keep == Keep::in_memory) return true;
  int64_t available = available_memory();
  if (keep == Keep::automatic && (available == 0 || bytes <= available / 2)) return true;
  note = "The decoded images would take " + gigabytes(bytes) + " of " + gigabytes(available) +
         " free memory: they are decoded on the fly.";
  return false;
}

void check_damage(const std::vector<DamagedImage>& damaged, int64_t total) {
  int64_t count = int64_t(damaged.size());
  if (count * 100 <= total) return;
  std::string message = std::to_string(count) + " of " + std::to_string(total) +
                        " images are damaged, more than 1 %: ";
  for (int64_t i = 0; i < std::min<int64_t>(3, count); ++i)
    message += (i ? "; " : "") + damaged[std::size_t(i)].file + " (" +
               damaged[std::size_t(i)].reason + ")";
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

}  // namespace

int usual_load_size(int image_size) { return int(std::lround(image_size * 144.0 / 128)); }

DataSplits open_dataset(const std::string& spec, const DataOptions& options, Splits splits) {
  const bool tiny = spec == "tiny", cifar = !tiny && is_cifar10(spec);
  DataSplits data;
  data.image_size = options.image_size ? options.image_size : cifar ? cifar10_side : 128;
  if (data.image_size < 8)
    throw ShapeError("[open_dataset] image_size is " + std::to_string(data.image_size));
  const int side = options.load_size > 0 ? options.load_size
                   : cifar               ? data.image_size
                                         : usual_load_size(data.image_size);
  if (side < data.image_size)
    throw ShapeError("[open_dataset] load_size is " + std::to_string(side) +
                     ", smaller than image_size, " + std::to_string(data.image_size));

  Listing listing = tiny ? list_tiny_places(options.tiny_train, options.tiny_validation)
                         : list_folder(spec, splits);
  listing = choose(std::move(listing), options.classes, options.limit);
  if (!wants_train(splits)) listing.train.clear();
  if (!wants_validation(splits)) listing.validation.clear();
  if (wants_train(splits) && listing.train.empty())
    throw FormatError(spec, "has no training images");
  if (wants_validation(splits) && listing.validation.empty())
    throw FormatError(spec, "has no validation images");

  Dataset::Maker maker = cifar ? record_reader(side) : file_reader(side);
  if (tiny)
    maker = [seed = options.seed, side](const Sample& s) { return draw_tiny_place(s, seed, side); };
  data.train = Dataset(listing.classes, std::move(listing.train), side, maker);
  data.validation = Dataset(listing.classes, std::move(listing.validation), side, maker);
  bool keep = keeps(options.keep, data.train.bytes() + data.validation.bytes(), data.note);
  // Files are decoded even if they are not kept: what is damaged must be known before training.
  if (keep || !tiny) decode_all(data, options, keep);
  return data;
}

}  // namespace tweed
