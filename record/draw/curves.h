// Curves over epochs as a PNG: axes, ticks, grid and legend.
#pragma once
#include <string>
#include <vector>

#include "data/image.h"
#include "record/draw/canvas.h"

namespace tweed {

/// One curve. Points that are not finite leave a gap.
struct Series {
  std::string name;
  std::vector<double> x;  ///< as many as y; none: 1, 2, 3, ...
  std::vector<double> y;
};

/// One pair of axes.
struct Plot {
  std::string title;
  std::string x_label;
  std::vector<Series> series;
  bool log_x = false;  ///< x by its logarithm; what is not above 0 leaves a gap
};

/// Draws one plot. The axes span the data, rounded to ticks. Names that take more than a line add
/// to the height.
/// @throws ShapeError  if a series has x and y of different lengths
Image draw_plot(const Plot& plot, int height = 360, int width = 480);

/// The colour of the i-th curve, or bar.
draw::Color series_color(std::size_t i);

/// A bar for each name, with its value in words; NaN leaves a bar out.
Image draw_bars(const std::string& title, const std::vector<std::string>& names,
                const std::vector<double>& values, const std::vector<std::string>& words,
                int width = 480);

/// Pictures under a title, up to three in a row (four are two rows), as a PNG file that is
/// whole, but not synced.
/// @throws Error  if it cannot be written
void draw_pictures(const std::string& path, const std::string& title,
                   const std::vector<Image>& pictures);
/// The plots under a title, up to three in a row (four are two rows), as a PNG file. @throws Error
/// if it cannot be written
void draw_curves(const std::string& path, const std::string& title, const std::vector<Plot>& plots);

}  // namespace tweed
