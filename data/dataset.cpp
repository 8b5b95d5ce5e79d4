#include "data/dataset.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <mutex>

#include "data/workers.h"
#include "kernels/machine/error.h"

namespace tweed {

std::string reason_of(const FormatError& error, const std::string& path) {
  const std::string message = error.what(), prefix = printable(path) + ": ";
  return message.starts_with(prefix) ? message.substr(prefix.size()) : message;
}

Dataset::Dataset(std::vector<std::string> classes, std::vector<Sample> samples, int image_side,
                 Maker maker, int image_size)
    : classes_(std::move(classes)),
      samples_(std::move(samples)),
      side_(image_side),
      image_size_(image_size ? image_size : image_side),
      maker_(std::move(maker)) {}

Image Dataset::image(int64_t i) const {
  const Sample& sample = samples_[std::size_t(i)];
  if (const uint8_t* pixels = stored(i))
    return {side_, side_, {pixels, pixels + std::ptrdiff_t(side_) * side_ * 3}};
  Image image = maker_(sample);
  if (image.height != side_ || image.width != side_)
    throw ShapeError("[dataset] " + printable(sample.path) + " is " + std::to_string(image.height) +
                     " x " + std::to_string(image.width) + ", not " + std::to_string(side_) +
                     " square");
  return image;
}

std::vector<DamagedImage> Dataset::decode(int workers, bool keep,
                                          const std::function<void(int64_t)>& tick) {
  auto bytes = std::ptrdiff_t(side_) * side_ * 3;
  auto pixels = std::make_shared<std::vector<uint8_t>>(keep ? std::size_t(size() * bytes) : 0);
  std::map<int64_t, std::string> damaged;
  std::mutex mutex;
  share_out(
      size(), workers,
      [&](int64_t i) {
        try {
          Image image = this->image(i);
          if (keep)
            std::copy(image.pixels.begin(), image.pixels.end(), pixels->begin() + i * bytes);
        } catch (const FormatError& e) {
          std::lock_guard lock(mutex);
          damaged[i] = reason_of(e, path(i));
        }
      },
      tick);
  std::vector<DamagedImage> result;
  std::vector<int64_t> indexes;
  for (auto& [i, message] : damaged) {
    result.push_back({path(i), message});
    indexes.push_back(i);
  }
  drop(indexes, keep ? pixels.get() : nullptr);
  if (keep) pixels_ = {pixels, pixels->data()};
  return result;
}

void PixelSums::add(const Image& image) {
  for (std::size_t p = 0; p < image.pixels.size(); p += 3)
    for (std::size_t c = 0; c < 3; ++c) {
      const uint64_t v = image.pixels[p + c];
      sum[c] += v;
      squares[c] += v * v;
    }
}

Normalization PixelSums::of(int64_t pixels) const {
  Normalization result;
  const double n = double(std::max<int64_t>(1, pixels));
  for (std::size_t c = 0; c < 3; ++c) {
    const double mean = double(sum[c]) / n, variance = double(squares[c]) / n - mean * mean;
    result.mean[c] = float(mean / 255);
    result.std[c] = variance > 0 ? float(std::sqrt(variance) / 255) : 1.f;
  }
  return result;
}

Normalization Dataset::normalization() const {
  PixelSums sums;
  for (int64_t i = 0; i < size() && !sums_; ++i) sums.add(image(i));
  return (sums_ ? *sums_ : sums).of(bytes() / 3);
}

void Dataset::use_pixels(std::shared_ptr<const uint8_t> pixels, const std::vector<int64_t>& damaged,
                         const PixelSums& sums) {
  drop(damaged, nullptr);
  pixels_ = std::move(pixels);
  sums_ = sums;
}

Dataset Dataset::part(const std::vector<int64_t>& indexes) const {
  Dataset result = *this;
  result.samples_.clear();
  result.sums_.reset();
  auto pixels = std::make_shared<std::vector<uint8_t>>();
  const auto bytes = std::ptrdiff_t(side_) * side_ * 3;
  for (const int64_t i : indexes) {
    result.samples_.push_back(samples_[std::size_t(i)]);
    if (pixels_) pixels->insert(pixels->end(), stored(i), stored(i) + bytes);
  }
  if (pixels_) result.pixels_ = {pixels, pixels->data()};
  return result;
}

// Removes samples, and their pixels if there are any; `indexes` ascend.
void Dataset::drop(const std::vector<int64_t>& indexes, std::vector<uint8_t>* pixels) {
  auto bytes = std::ptrdiff_t(side_) * side_ * 3;
  int64_t kept = 0;
  for (int64_t i = 0; i < size(); ++i) {
    if (std::binary_search(indexes.begin(), indexes.end(), i)) continue;
    if (kept != i) {
      samples_[std::size_t(kept)] = std::move(samples_[std::size_t(i)]);
      if (pixels) std::copy_n(pixels->begin() + i * bytes, bytes, pixels->begin() + kept * bytes);
    }
    ++kept;
  }
  samples_.resize(std::size_t(kept));
  if (pixels) pixels->resize(std::size_t(kept * bytes));
}

}  // namespace tweed
