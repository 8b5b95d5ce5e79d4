// Photos that are given as files or folders, read a few at a time.
#pragma once
#include <set>
#include <string>
#include <vector>

#include "apps/drawings/sheets.h"

namespace tweed::app {

/// Photos without labels. Those that cannot be read are named on stderr and left out.
class Photos {
 public:
  /// A photo that is left out, and why.
  struct Skipped {
    std::string file, reason;
  };

  /// @param inputs  files, and folders, which stand for the images in and below them, sorted by
  ///                path, none twice; what is hidden is passed over (see walk_folder())
  /// @param squash  resizes both sides to info.load_size, whatever the proportions
  /// @throws FormatError  for a folder that cannot be listed or has no images
  Photos(const std::vector<std::string>& inputs, const CheckpointInfo& info, bool squash);

  /// The next photos that can be read, `most` of them; fewer at the end, none behind it or after
  /// Ctrl-C.
  Samples next(std::size_t most);
  const std::vector<Skipped>& skipped() const { return skipped_; }
  /// The exit code for what was read so far: 1 if some could not be, 2 if none could.
  int code() const { return skipped_.empty() ? 0 : skipped_.size() < next_ ? 1 : 2; }

 private:
  struct Photo {
    std::string file, name;
  };
  void add_folder(const std::string& folder, std::set<std::string>& seen);
  void read(const Photo& photo, Samples& samples);

  int load_size_, image_size_;
  bool squash_;
  std::vector<Photo> photos_;
  std::vector<Skipped> skipped_;
  std::size_t next_ = 0;
};

}  // namespace tweed::app
