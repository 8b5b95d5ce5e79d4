// The layouts of data sets: what lies where, and how it becomes samples and images.
#pragma once
#include <string>

#include "data/dataset.h"

namespace tweed {

/// One layout. Its functions may be called in this order: fits, list, maker.
struct Layout {
  const char* name;
  /// Whether the data set that `spec` names is laid out so. Looks at names only.
  bool (*fits)(const std::string& spec);
  /// @throws FormatError  naming file and line, or the folder
  Listing (*list)(const std::string& spec, const DataOptions& options, Splits splits);
  /// What makes a stored image of side x side from a sample.
  Dataset::Maker (*maker)(const DataOptions& options, int side);
  int image_size;                    ///< what a network sees unless told otherwise
  int (*load_size)(int image_size);  ///< the side of stored images unless told otherwise
  bool from_files;                   ///< whether images may be damaged
};

/// The rows, each at the end of its file; a new one is a file, its row, and a name in this list and
/// in that of layouts.cpp.
namespace layouts {
extern const Layout tiny_places, cifar10, cifar100, mnist, oxford_pets, miniplaces, folders;
}

/// The maker of layouts whose samples are image files: as the coursework stores them, the shorter
/// side resized, and then the middle square, since all stored images have one size.
Dataset::Maker squares_from_files(const DataOptions& options, int side);

/// Moves every tenth sample of each class, from the tenth on, from training to validation.
void split_off_validation(Listing& listing);

/// The layout of what `spec` names. A folder that holds nothing but one folder stands for that one:
/// then `spec` becomes its path.
/// @throws FormatError  if nothing is there
const Layout& layout_of(std::string& spec);

/// Whether folders of that name are for training or validation in read_image_folder().
bool is_split_name(const std::string& folder);

}  // namespace tweed
