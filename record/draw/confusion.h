// A confusion matrix as a picture.
#pragma once
#include <string>
#include <vector>

#include "data/image.h"

namespace tweed {

/// A row for each true class, a column for each predicted one; the darker, the larger the share of
/// the row. Names stand beside the rows where there is room for them, numbers of images in the
/// cells.
/// @param confusion  (classes, classes) images
Image draw_confusion(const std::vector<std::string>& classes, const std::vector<int64_t>& confusion,
                     const std::string& title);

}  // namespace tweed
