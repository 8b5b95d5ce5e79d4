#include "data/cifar10.h"

#include <algorithm>
#include <array>
#include <filesystem>

#include "data/folder_walk.h"
#include "data/layout.h"
#include "data/read_file.h"
#include "data/text_lines.h"

namespace tweed {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t plane = cifar10_side * cifar10_side, record_bytes = 1 + 3 * plane;

bool is_training_file(const fs::path& path) {
  return path.filename().string().rfind("data_batch_", 0) == 0 && path.extension() == ".bin";
}

std::vector<fs::path> training_files(const fs::path& path) {
  std::error_code ignored;
  if (!fs::is_directory(path, ignored)) return {path};
  std::vector<fs::path> files;
  for (auto& entry : fs::directory_iterator(path, ignored))
    if (is_training_file(entry.path())) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

// Ten names from batches.meta.txt; without that file, CIFAR-10's usual ones.
std::vector<std::string> class_names(const fs::path& folder, std::vector<std::string>& notes) {
  const fs::path file = folder / "batches.meta.txt";
  std::error_code ignored;
  if (fs::exists(file, ignored)) {
    std::vector<std::string> names;
    for (auto& line : read_lines(file.string())) names.push_back(line.text);
    if (names.size() == 10) return names;
    notes.push_back("batches.meta.txt has " + std::to_string(names.size()) +
                    " names, not ten: CIFAR-10's own are taken.");
  }
  return {"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"};
}

// The labels of a file, which also shows that it is whole.
void append_records(const fs::path& path, std::vector<Sample>& samples) {
  const std::string name = path.string();
  const InputFile file(name);
  const uint64_t bytes = file.size();
  if (bytes == 0 || bytes % record_bytes)
    throw FormatError(name, "is damaged: " + std::to_string(bytes) + " bytes are no whole " +
                                std::to_string(record_bytes) + "-byte records of CIFAR-10");
  for (uint64_t start = 0; start < bytes; start += record_bytes) {
    uint8_t label = 0;
    file.read(start, &label, 1);
    if (label > 9)
      throw FormatError(name, "byte " + std::to_string(start) + ": label " + std::to_string(label) +
                                  " is out of range");
    samples.push_back({name, label, int64_t(start / record_bytes)});
  }
}

}  // namespace

bool is_cifar10(const std::string& path) {
  if (!is_folder(path)) return fs::path(path).extension() == ".bin" && is_there(path);
  return !training_files(path).empty();
}

Listing read_cifar10(const std::string& path, Splits splits) {
  const fs::path folder = is_folder(path) ? fs::path(path) : fs::path(path).parent_path();
  Listing listing;
  listing.classes = class_names(folder, listing.notes);
  const fs::path test = folder / "test_batch.bin";
  const bool has_test = is_there(test);
  if (splits != Splits::validation || !has_test)
    for (auto& file : training_files(path)) append_records(file, listing.train);
  if (has_test) {
    if (splits != Splits::train) append_records(test, listing.validation);
    return listing;
  }
  constexpr int every = 10;
  std::vector<Sample> all;
  std::swap(all, listing.train);
  std::array<int, 10> seen{};
  for (auto& sample : all)
    (++seen[std::size_t(sample.label)] % every ? listing.train : listing.validation)
        .push_back(sample);
  return listing;
}

Image read_cifar10_image(const Sample& sample) {
  std::vector<uint8_t> planes(3 * plane);
  InputFile(sample.path)
      .read(uint64_t(sample.record) * record_bytes + 1, planes.data(), planes.size());
  Image image{cifar10_side, cifar10_side, std::vector<uint8_t>(3 * plane)};
  for (std::size_t c = 0; c < 3; ++c)
    for (std::size_t i = 0; i < std::size_t(plane); ++i)
      image.pixels[3 * i + c] = planes[c * std::size_t(plane) + i];
  return image;
}

namespace {

int same_size(int image_size) { return image_size; }
Listing list_records(const std::string& spec, const DataOptions&, Splits splits) {
  return read_cifar10(spec, splits);
}
// A CIFAR-10 record has the size that networks for it take; another size is resized.
Dataset::Maker record_reader(const DataOptions&, int side) {
  return [side](const Sample& sample) {
    Image image = read_cifar10_image(sample);
    return side == cifar10_side ? image : resize(image, side, side);
  };
}

}  // namespace

const Layout layouts::cifar10 = {"CIFAR-10",   is_cifar10, list_records, record_reader,
                                 cifar10_side, same_size,  true};

}  // namespace tweed
