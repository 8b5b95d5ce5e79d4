#include "data/mnist.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <mutex>

#include "data/folder_walk.h"
#include "data/gzip.h"
#include "data/layout.h"
#include "kernels/machine/error.h"

namespace tweed {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t most_bytes = uint64_t(1) << 31;

// An idx file of bytes: a magic number that counts the axes, their lengths, and the elements.
struct Idx {
  std::string bytes;
  std::vector<int64_t> lengths;

  std::size_t start() const { return 4 + 4 * lengths.size(); }
  int64_t element_size() const {
    int64_t size = 1;
    for (std::size_t i = 1; i < lengths.size(); ++i) size *= lengths[i];
    return size;
  }
  const uint8_t* element(int64_t i) const {
    return reinterpret_cast<const uint8_t*>(bytes.data()) + start() + i * element_size();
  }
};

Idx read_idx(const std::string& path, std::size_t axes) {
  Idx idx{read_maybe_gzipped(path, most_bytes), std::vector<int64_t>(axes)};
  const std::string magic{0, 0, 8, char(axes)};  // 8: bytes without sign
  if (!idx.bytes.starts_with(magic) || idx.bytes.size() < idx.start())
    throw FormatError(path, "is no idx file of " + std::string(axes == 3 ? "images" : "labels"));
  double size = double(idx.start()), elements = 1;
  for (std::size_t a = 0; a < axes; ++a) {
    for (std::size_t i = 0; i < 4; ++i)
      idx.lengths[a] = idx.lengths[a] << 8 | uint8_t(idx.bytes[4 + 4 * a + i]);
    elements *= double(idx.lengths[a]);
  }
  size += elements;
  if (size != double(idx.bytes.size()))
    throw FormatError(path, "is damaged: it has " + std::to_string(idx.bytes.size()) +
                                " bytes, not those that it claims");
  if (axes == 3 && (idx.lengths[1] < 1 || idx.lengths[2] < 1))
    throw FormatError(path, "has images without pixels");
  return idx;
}

// The file of one kind in a folder, by the names under which it is found; "" if there is none.
std::string find_file(const fs::path& folder, const std::string& split, const std::string& kind) {
  for (const char* between : {"-", "."})
    for (const char* end : {"", ".gz"})
      if (const fs::path file = folder / (split + "-" + kind + between +
                                          (kind == "images" ? "idx3" : "idx1") + "-ubyte" + end);
          is_file(file))
        return file.string();
  return "";
}

std::vector<std::string> mnist_names(const std::string& path, int count) {
  std::string lower = path;
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return char(std::tolower(c)); });
  if (count == 10 && lower.find("fashion") != std::string::npos)
    return {"T-shirt", "trouser", "pullover", "dress", "coat",
            "sandal",  "shirt",   "sneaker",  "bag",   "ankle boot"};
  std::vector<std::string> names;
  for (int i = 0; i < count; ++i) names.push_back(std::to_string(i));
  return names;
}

void append_split(const fs::path& folder, const std::string& split, std::vector<Sample>& samples) {
  const std::string images = find_file(folder, split, "images"),
                    labels = find_file(folder, split, "labels");
  if (labels.empty())
    throw FormatError((folder / (split + "-labels-idx1-ubyte")).string(),
                      "is missing, with .gz or without: it has the labels of " + printable(images));
  const int64_t count = read_idx(images, 3).lengths[0];
  const Idx label = read_idx(labels, 1);
  if (label.lengths[0] != count)
    throw FormatError(labels, "has " + std::to_string(label.lengths[0]) + " labels for " +
                                  std::to_string(count) + " images");
  for (int64_t i = 0; i < count; ++i) samples.push_back({images, *label.element(i), i});
}

// Files that were read, for the images in them.
class Files {
 public:
  std::shared_ptr<const Idx> get(const std::string& path) {
    std::lock_guard lock(mutex_);
    auto& file = files_[path];
    if (!file) file = std::make_shared<const Idx>(read_idx(path, 3));
    return file;
  }

 private:
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<const Idx>> files_;
};

Image image_of(const Idx& idx, const Sample& sample) {
  if (sample.record >= idx.lengths[0])
    throw FormatError(sample.path, "has fewer images than before");
  Image image{int(idx.lengths[1]), int(idx.lengths[2]), {}};
  const uint8_t* grey = idx.element(sample.record);
  for (int64_t i = 0; i < idx.element_size(); ++i)
    image.pixels.insert(image.pixels.end(), 3, grey[i]);
  return image;
}

}  // namespace

bool is_mnist(const std::string& path) {
  return is_folder(path) && !find_file(path, "train", "images").empty();
}

Listing read_mnist(const std::string& path, Splits splits) {
  Listing listing;
  std::string test;
  for (const char* split : {"t10k", "test"})
    if (test.empty() && !find_file(path, split, "images").empty()) test = split;
  if (splits != Splits::validation || test.empty()) append_split(path, "train", listing.train);
  if (splits != Splits::train && !test.empty()) append_split(path, test, listing.validation);
  int largest = 9;
  for (auto* samples : {&listing.train, &listing.validation})
    for (auto& sample : *samples) largest = std::max(largest, sample.label);
  listing.classes = mnist_names(path, largest + 1);
  if (test.empty()) split_off_validation(listing);
  return listing;
}

namespace {

constexpr int mnist_side = 28;
int stored_size(int image_size) { return image_size; }
Listing list_mnist(const std::string& spec, const DataOptions&, Splits splits) {
  return read_mnist(spec, splits);
}
Dataset::Maker mnist_reader(const DataOptions&, int side) {
  return [side, files = std::make_shared<Files>()](const Sample& sample) {
    Image image = image_of(*files->get(sample.path), sample);
    return image.height == side && image.width == side ? image : resize(image, side, side);
  };
}

}  // namespace

const Layout layouts::mnist = {"MNIST",    is_mnist,    list_mnist, mnist_reader,
                               mnist_side, stored_size, true};

}  // namespace tweed
