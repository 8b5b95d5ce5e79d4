#include "data/cifar10.h"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <sstream>

#include "data/folder_walk.h"
#include "data/layout.h"
#include "data/read_file.h"
#include "data/text_lines.h"

namespace tweed {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t plane = cifar10_side * cifar10_side;

// What differs between the two.
struct Kind {
  const char* name;
  uint64_t label_bytes;  // the last of them counts
  int classes;
  const char *training, *test, *names;  // files; `training` is the beginning of their names
  std::vector<std::string> (*own_names)();

  uint64_t record_bytes() const { return label_bytes + 3 * plane; }
  bool is_training_file(const fs::path& path) const {
    return path.filename().string().rfind(training, 0) == 0 && path.extension() == ".bin";
  }
};

std::vector<std::string> ten_names() {
  return {"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"};
}
std::vector<std::string> hundred_names() {
  std::istringstream words(
      "apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus "
      "butterfly camel can castle caterpillar cattle chair chimpanzee clock cloud cockroach couch "
      "crab crocodile cup dinosaur dolphin elephant flatfish forest fox girl hamster house "
      "kangaroo "
      "keyboard lamp lawn_mower leopard lion lizard lobster man maple_tree motorcycle mountain "
      "mouse "
      "mushroom oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree plain plate "
      "poppy "
      "porcupine possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper "
      "snail snake spider squirrel streetcar sunflower sweet_pepper table tank telephone "
      "television "
      "tiger tractor train trout tulip turtle wardrobe whale willow_tree wolf woman worm");
  return {std::istream_iterator<std::string>(words), {}};
}

constexpr Kind ten{"CIFAR-10",         1,        10, "data_batch_", "test_batch.bin",
                   "batches.meta.txt", ten_names};
constexpr Kind hundred{"CIFAR-100",  2, 100, "train.bin", "test.bin", "fine_label_names.txt",
                       hundred_names};

std::vector<fs::path> training_files(const Kind& kind, const fs::path& path) {
  if (!is_folder(path)) return {path};
  std::error_code ignored;
  std::vector<fs::path> files;
  for (auto& entry : fs::directory_iterator(path, ignored))
    if (kind.is_training_file(entry.path())) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

// From the file of names; without it, the data set's usual ones.
std::vector<std::string> class_names(const Kind& kind, const fs::path& folder,
                                     std::vector<std::string>& notes) {
  const fs::path file = folder / kind.names;
  if (!is_there(file)) return kind.own_names();
  std::vector<std::string> names;
  for (auto& line : read_lines(file.string())) names.push_back(line.text);
  if (int(names.size()) == kind.classes) return names;
  notes.push_back(std::string(kind.names) + " has " + std::to_string(names.size()) +
                  " names, not " + (kind.classes == 10 ? "ten" : "a hundred") + ": " + kind.name +
                  "'s own are taken.");
  return kind.own_names();
}

// The labels of a file, which also shows that it is whole.
void append_records(const Kind& kind, const fs::path& path, std::vector<Sample>& samples) {
  const std::string name = path.string();
  const InputFile file(name);
  const uint64_t bytes = file.size(), record = kind.record_bytes();
  if (bytes == 0 || bytes % record)
    throw FormatError(name, "is damaged: " + std::to_string(bytes) + " bytes are no whole " +
                                std::to_string(record) + "-byte records of " + kind.name);
  for (uint64_t start = 0; start < bytes; start += record) {
    uint8_t label = 0;
    const uint64_t at = start + kind.label_bytes - 1;
    file.read(at, &label, 1);
    if (label >= kind.classes)
      throw FormatError(name, "byte " + std::to_string(at) + ": label " + std::to_string(label) +
                                  " is out of range");
    samples.push_back({name, label, int64_t(start / record)});
  }
}

Listing read_records(const Kind& kind, const std::string& path, Splits splits) {
  const fs::path folder = is_folder(path) ? fs::path(path) : fs::path(path).parent_path();
  Listing listing;
  listing.classes = class_names(kind, folder, listing.notes);
  const fs::path test = folder / kind.test;
  const bool has_test = is_there(test);
  if (splits != Splits::validation || !has_test)
    for (auto& file : training_files(kind, path)) append_records(kind, file, listing.train);
  if (!has_test)
    split_off_validation(listing);
  else if (splits != Splits::train)
    append_records(kind, test, listing.validation);
  return listing;
}

Image read_image(const Kind& kind, const Sample& sample) {
  std::vector<uint8_t> planes(3 * plane);
  InputFile(sample.path)
      .read(uint64_t(sample.record) * kind.record_bytes() + kind.label_bytes, planes.data(),
            planes.size());
  Image image{cifar10_side, cifar10_side, std::vector<uint8_t>(3 * plane)};
  for (std::size_t c = 0; c < 3; ++c)
    for (std::size_t i = 0; i < std::size_t(plane); ++i)
      image.pixels[3 * i + c] = planes[c * std::size_t(plane) + i];
  return image;
}

}  // namespace

bool is_cifar10(const std::string& path) {
  if (!is_folder(path)) return fs::path(path).extension() == ".bin" && is_there(path);
  return !training_files(ten, path).empty();
}

bool is_cifar100(const std::string& path) {
  const fs::path file = is_folder(path) ? fs::path(path) / hundred.training : fs::path(path);
  std::error_code error;
  return is_file(file) &&
         (file.filename() == hundred.training || file.filename() == hundred.test) &&
         fs::file_size(file, error) % hundred.record_bytes() == 0 && !error;
}

Listing read_cifar10(const std::string& path, Splits splits) {
  return read_records(ten, path, splits);
}
Listing read_cifar100(const std::string& path, Splits splits) {
  return read_records(hundred, path, splits);
}
Image read_cifar10_image(const Sample& sample) { return read_image(ten, sample); }
Image read_cifar100_image(const Sample& sample) { return read_image(hundred, sample); }

namespace {

int same_size(int image_size) { return image_size; }
template <Listing (*read)(const std::string&, Splits)>
Listing list_records(const std::string& spec, const DataOptions&, Splits splits) {
  return read(spec, splits);
}
// A record has the size that networks for it take; another size is resized.
template <Image (*read)(const Sample&)>
Dataset::Maker record_reader(const DataOptions&, int side) {
  return [side](const Sample& sample) {
    Image image = read(sample);
    return side == cifar10_side ? image : resize(image, side, side);
  };
}

}  // namespace

const Layout layouts::cifar10 = {"CIFAR-10",
                                 is_cifar10,
                                 list_records<read_cifar10>,
                                 record_reader<read_cifar10_image>,
                                 cifar10_side,
                                 same_size,
                                 true};
const Layout layouts::cifar100 = {"CIFAR-100",
                                  is_cifar100,
                                  list_records<read_cifar100>,
                                  record_reader<read_cifar100_image>,
                                  cifar10_side,
                                  same_size,
                                  true};

}  // namespace tweed
