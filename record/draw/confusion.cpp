#include "record/draw/confusion.h"

#include <algorithm>
#include <numeric>

#include "kernels/machine/printable.h"
#include "record/draw/canvas.h"

namespace tweed {
using namespace draw;

namespace {

constexpr int margin = 24, most_names = 60, widest_name = 160;
constexpr double title_size = 16, text_size = 10;

// Sides of cells: large enough for a number where there are few, pixels where there are hundreds.
int cell_of(std::size_t classes) {
  return std::clamp(int(900 / std::max<std::size_t>(1, classes)), 2, 36);
}

// White to blue.
Color shade(double part) {
  auto between = [&](int from, int to) { return uint8_t(from + (to - from) * part); };
  return {between(255, colors::blue.r), between(255, colors::blue.g), between(255, colors::blue.b)};
}

}  // namespace

Image draw_confusion(const std::vector<std::string>& classes, const std::vector<int64_t>& confusion,
                     const std::string& title) {
  const int n = int(classes.size()), cell = cell_of(classes.size());
  const bool named = n <= most_names, numbered = cell >= 24;
  int names = 0;
  if (named)
    for (auto& name : classes) names = std::max(names, text_width(printable(name), text_size));
  names = std::min(names, widest_name);
  const int left = margin + names + (named ? 8 : 0);
  const int top = margin + text_height(title_size) + text_height(text_size) + 16;
  const int width = std::max(left + n * cell, margin + text_width(title, title_size)) + margin;
  Image image = blank_image(top + n * cell + margin, width);
  draw_text(image, margin, margin, title, title_size, colors::black);
  draw_text(image, margin, margin + text_height(title_size) + 6,
            "Rows: the true class. Columns, in the same order: the answer.", text_size,
            colors::grey);
  for (int row = 0; row < n; ++row) {
    const auto first = confusion.begin() + std::ptrdiff_t(row) * n;
    const double sum = double(std::max<int64_t>(1, std::accumulate(first, first + n, int64_t(0))));
    const int y = top + row * cell;
    if (named)
      draw_text(image, left - 8, y + (cell - text_height(text_size)) / 2.0,
                shorten(printable(classes[std::size_t(row)]), text_size, names), text_size,
                colors::black, Align::right);
    for (int column = 0; column < n; ++column) {
      const int64_t count = first[column];
      const double part = double(count) / sum;
      fill_rect(image, {left + column * cell, y, cell, cell}, shade(part));
      if (numbered && count)
        draw_text(image, left + column * cell + cell / 2.0,
                  y + (cell - text_height(text_size)) / 2.0, std::to_string(count), text_size,
                  part > 0.5 ? colors::white : colors::black, Align::centre);
    }
  }
  draw_frame(image, {left, top, n * cell, n * cell}, colors::light_grey);
  return image;
}

}  // namespace tweed
