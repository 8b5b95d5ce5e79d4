// The picture: a row for each shape, a column for each pass, a bar for each of our algorithms. The
// scale is logarithmic and begins where the fastest rival is, so that bars to the left are faster
// than it and bars to the right are slower.
#include <algorithm>
#include <cmath>

#include "benchmarks/conv_text.h"
#include "record/draw/canvas.h"

namespace tweed::bench {

using namespace draw;
namespace {

constexpr int margin = 24, label_width = 180, column_width = 220, column_gap = 44, bar_height = 11,
              row_gap = 10, section_height = 44;
constexpr double title_size = 14, head_size = 11, text_size = 9;
constexpr std::array<Color, 5> palette = {
    {{158, 170, 186}, {31, 119, 180}, {230, 126, 34}, {44, 140, 60}, {120, 80, 170}}};

// The bars that are drawn: our algorithms.
std::vector<std::size_t> bars_of(const ConvResults& results) {
  std::vector<std::size_t> bars;
  for (std::size_t i = 0; i < results.contenders.size(); ++i)
    if (!results.contenders[i].is_rival) bars.push_back(i);
  return bars;
}

// What a bar shows: the ratio to the best rival.
struct Scale {
  double low = 0.5, high = 2;
  /// 0 at the left end, 1 at the right.
  double place(double ratio) const {
    const double at = std::log(ratio / low) / std::log(high / low);
    return std::clamp(at, 0.0, 1.0);
  }
};

// Powers of two around all ratios.
Scale scale_for(const ConvResults& results) {
  Scale scale;
  for (auto& network : results.networks)
    for (auto& shape : network.shapes)
      for (auto& figures : shape.figures)
        for (std::size_t i : bars_of(results))
          if (figures[i] && figures[i]->ratio) {
            while (*figures[i]->ratio < scale.low) scale.low /= 2;
            while (*figures[i]->ratio > scale.high) scale.high *= 2;
          }
  return scale;
}

class Chart {
 public:
  explicit Chart(const ConvResults& results)
      : results_(results), bars_(bars_of(results)), scale_(scale_for(results)) {
    row_height_ = int(bars_.size()) * (bar_height + 1) + row_gap;
    int height = top + margin;
    for (auto& network : results.networks)
      height += section_height + int(network.shapes.size()) * row_height_;
    image_ = blank_image(height, 2 * margin + label_width + 3 * column_width + 2 * column_gap);
  }

  Image draw() {
    draw_text(image_, margin, margin - 6, title(), title_size, colors::black);
    draw_legend();
    int y = top;
    for (auto& network : results_.networks) {
      draw_text(image_, margin, y + 20, network.name, head_size, colors::black);
      draw_heads(y + 20);
      y += section_height;
      draw_grid(y, int(network.shapes.size()) * row_height_);
      for (auto& shape : network.shapes) {
        draw_shape(shape, y);
        y += row_height_;
      }
    }
    return image_;
  }

 private:
  static constexpr int top = margin + 44;

  std::string title() const {
    return "Convolutions on " + device_words(results_) + ", " + name_of(results_.dtype) +
           ": time / the fastest rival's";
  }
  static int column(Pass pass) {
    return margin + label_width + int(pass) * (column_width + column_gap);
  }
  int at(Pass pass, double ratio) const {
    return column(pass) + int(std::lround(scale_.place(ratio) * column_width));
  }

  void draw_legend() {
    int x = margin;
    const int y = margin + 22;
    for (std::size_t k = 0; k < bars_.size(); ++k) {
      const std::string& name = results_.contenders[bars_[k]].name;
      fill_rect(image_, {x, y + 1, 22, bar_height}, color(k));
      draw_text(image_, x + 28, y, name, head_size, colors::black);
      x += 28 + text_width(name, head_size) + 24;
    }
    std::string rivals;
    for (auto& c : results_.contenders)
      if (c.is_rival) rivals += (rivals.empty() ? "" : ", ") + c.name;
    draw_text(image_, x, y, "line: the fastest of " + rivals + "; left of it is faster", head_size,
              colors::grey);
  }
  static Color color(std::size_t k) { return palette[k % palette.size()]; }

  void draw_heads(int y) {
    for (Pass pass : passes)
      draw_text(image_, column(pass) + column_width / 2.0, y, pass_words(pass), head_size,
                colors::black, Align::centre);
  }
  // A line at each power of two, not more than fit.
  void draw_grid(int y, int height) {
    const double factor = scale_.high / scale_.low > 64 ? 4 : 2;
    for (Pass pass : passes) {
      for (double ratio = 1; ratio <= scale_.high; ratio *= factor)
        grid_line(pass, ratio, y, height);
      for (double ratio = 1 / factor; ratio >= scale_.low; ratio /= factor)
        grid_line(pass, ratio, y, height);
    }
  }
  void grid_line(Pass pass, double ratio, int y, int height) {
    const bool one = ratio == 1;
    const int x = at(pass, ratio);
    fill_rect(image_, {x, y - 4, one ? 2 : 1, height}, one ? colors::grey : colors::light_grey);
    draw_text(image_, x, y + height - 3, formatted("%g", ratio), text_size - 1, colors::grey,
              Align::centre);
  }

  void draw_shape(const ShapeResult& shape, int y) {
    std::string name = conv_name(shape.shape.conv);
    if (shape.shape.count > 1) name += formatted("  (%ldx)", long(shape.shape.count));
    const double middle = y + (row_height_ - row_gap - text_height(text_size)) / 2.0;
    draw_text(image_, margin, middle, shorten(name, text_size, label_width - 8), text_size,
              colors::black);
    for (Pass pass : passes)
      for (std::size_t k = 0; k < bars_.size(); ++k) {
        const auto& figure = shape.figures[std::size_t(pass)][bars_[k]];
        if (figure && figure->ratio)
          draw_bar(pass, *figure->ratio, y + int(k) * (bar_height + 1), color(k));
      }
  }
  void draw_bar(Pass pass, double ratio, int y, Color color) {
    const int one = at(pass, 1), end = at(pass, ratio);
    fill_rect(image_, {std::min(one, end), y, std::max(2, std::abs(end - one)), bar_height}, color);
    // The figure stands at the end of the bar, or on the other side of the line where no room is.
    const std::string text = formatted("%.2f", ratio);
    const int width = text_width(text, text_size - 1) + 4;
    const bool right = end >= one,
               room = right ? end + width < column(pass) + column_width + column_gap
                            : end - width > column(pass) - column_gap;
    const int x = room ? (right ? end + 4 : end - 4) : (right ? one - 4 : one + 6);
    draw_text(image_, x, y + 1, text, text_size - 1, colors::black,
              right == room ? Align::left : Align::right);
  }

  const ConvResults& results_;
  std::vector<std::size_t> bars_;
  Scale scale_;
  int row_height_ = 0;
  Image image_;
};

}  // namespace

Image picture_of(const ConvResults& results) { return Chart(results).draw(); }

}  // namespace tweed::bench
