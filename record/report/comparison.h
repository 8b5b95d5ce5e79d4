// Several runs as one picture.
#pragma once
#include <string>
#include <vector>

namespace tweed {

/// Curves of loss and accuracy over each other, and bars for the time of an epoch, the memory and
/// the speed, as a PNG file: what compare.html shows, for a write-up.
/// @throws FormatError  for a folder that is no run; Error if the picture cannot be written
void draw_comparison(const std::string& path, const std::vector<std::string>& folders);

}  // namespace tweed
