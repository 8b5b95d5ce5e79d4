#include "apps/drawings/photos.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "data/folder_walk.h"
#include "kernels/machine/printable.h"

namespace tweed::app {

namespace fs = std::filesystem;

Photos::Photos(const std::vector<std::string>& inputs, const CheckpointInfo& info, bool squash)
    : load_size_(info.load_size), image_size_(info.image_size), squash_(squash) {
  std::set<std::string> seen;
  for (auto& input : inputs) {
    std::error_code ignored;
    if (fs::is_directory(input, ignored))
      add_folder(input, seen);
    else
      photos_.push_back({input, input.substr(input.rfind('/') + 1)});
  }
}

// Folders may be given that lie in one another: a photo that was found is not found again.
void Photos::add_folder(const std::string& folder, std::set<std::string>& seen) {
  std::vector<std::string> files;
  for (auto& [place, images] : walk_folder(folder).images)
    files.insert(files.end(), images.begin(), images.end());
  if (files.empty()) throw FormatError(folder, "has no images: no .jpg, .jpeg or .png");
  std::sort(files.begin(), files.end());
  for (auto& file : files) {
    std::error_code ignored;
    if (seen.insert(fs::weakly_canonical(file, ignored).string()).second)
      photos_.push_back({file, fs::path(file).lexically_relative(folder).string()});
  }
}

Samples Photos::next(std::size_t most) {
  Samples samples;
  while (next_ < photos_.size() && samples.images.size() < most && !interrupted())
    read(photos_[next_++], samples);
  return samples;
}

void Photos::read(const Photo& photo, Samples& samples) {
  try {
    const Image image = decode_image(photo.file);
    // The middle of such a strip shows nothing, and scaling it up would take gigabytes.
    if (std::max(image.height, image.width) > 50 * std::min(image.height, image.width))
      throw FormatError(photo.file, "is a strip of " + std::to_string(image.width) + " x " +
                                        std::to_string(image.height) + " pixels");
    const Image resized =
        squash_ ? resize(image, load_size_, load_size_) : resize_short_side(image, load_size_);
    samples.images.push_back(center_crop(resized, image_size_));
  } catch (const Error& e) {
    std::fflush(stdout);
    say_error("%s %s\n", styled_error(Style::yellow, "skipped").c_str(),
              printable(e.what(), 1000).c_str());
    skipped_.push_back({photo.file, e.what()});
    return;
  }
  samples.labels.push_back(-1);
  samples.names.push_back(photo.name);
  samples.files.push_back(photo.file);
}

}  // namespace tweed::app
