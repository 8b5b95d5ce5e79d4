// Whether the maps of a sheet can be trusted, in figures and curves: --check of saliency_maps.
#pragma once
#include <string>
#include <vector>

#include "apps/drawings/map_sheets.h"
#include "explain/trust.h"

namespace tweed::app {

/// Means over images.
struct TrustRow {
  std::string method;
  TrustCurves curves;
  RandomisedNetwork randomised;  ///< nothing measured of a random order
};

/// A row for each method, and one more for pixels in random order.
std::vector<TrustRow> examine_maps(const Checkpoint& checkpoint, const Samples& samples,
                                   Device device, const MapWish& wish);
/// A line for each row, and what the numbers mean.
void print_trust(const std::vector<TrustRow>& rows, std::size_t images);
/// Deletion, insertion, and likeness while weights become random, as a PNG file: a plot for each of
/// these, or of many methods a plot for each method.
void draw_trust(const std::string& path, const std::vector<TrustRow>& rows);

}  // namespace tweed::app
