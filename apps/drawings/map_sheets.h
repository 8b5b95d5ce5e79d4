// Sheets of maps: each image beside what the methods of explain/ make of it.
#pragma once
#include <string>
#include <vector>

#include "apps/drawings/sheets.h"
#include "explain/color_map.h"
#include "explain/methods.h"

namespace tweed::app {

/// Which maps are drawn, and how.
struct MapWish {
  std::vector<const ExplainMethod*> methods{&explain_method("gradient")};
  ExplainOptions options = {};
  Colors colors = Colors::red;
  int32_t target = -1;  ///< the class that is asked about; -1: the predicted one
};

/// Each image with its true and predicted class, and the map of each method over it; of a single
/// method the map alone, too. The network sees one image at a time.
/// @param given  gets for each image the network's likeliest classes, five at most
/// False after Ctrl-C: then nothing is written.
bool write_map_sheet(const std::string& path, const Checkpoint& checkpoint, const Samples& samples,
                     Device device, const MapWish& wish = {},
                     std::vector<std::vector<Answer>>* given = nullptr);

}  // namespace tweed::app
