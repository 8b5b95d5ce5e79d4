#include "record/draw/curves.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "kernels/machine/error.h"
#include "record/draw/canvas.h"

namespace tweed {
using namespace draw;

namespace {

constexpr double title_size = 13, text_size = 10, sheet_title_size = 17;
constexpr std::array<Color, 12> palette = {{{31, 119, 180},
                                            {230, 110, 20},
                                            {44, 140, 60},
                                            {190, 40, 50},
                                            {120, 80, 170},
                                            {110, 110, 110},
                                            {184, 134, 11},
                                            {214, 51, 108},
                                            {15, 154, 168},
                                            {141, 110, 99},
                                            {122, 139, 0},
                                            {92, 107, 192}}};

// "1e-6", "0.01", "100"
std::string power_of_ten(double power) {
  char text[32];
  std::snprintf(text, sizeof text, std::abs(power) > 3.5 ? "1e%.0f" : "%g",
                std::abs(power) > 3.5 ? power : std::pow(10, power));
  return text;
}

struct Axis {
  double first = 0, last = 1, step = 1;
  bool log = false;  // its numbers are powers of ten
  int ticks() const { return int(std::lround((last - first) / step)) + 1; }
  double tick(int i) const { return first + i * step; }
  /// 0 at the first tick, 1 at the last.
  double share(double v) const { return (v - first) / (last - first); }
  std::string label(int i) const {
    char text[32];
    if (log) return power_of_ten(tick(i));
    int digits = std::max(0, int(-std::floor(std::log10(step) + 1e-9)));
    double v = std::abs(tick(i)) < step / 2 ? 0.0 : tick(i);
    if (digits > 5 || std::abs(v) >= 1e6)
      std::snprintf(text, sizeof text, "%.2g", v);
    else
      std::snprintf(text, sizeof text, "%.*f", digits, v);
    return text;
  }
};

// Ticks at 1, 2 or 5 times a power of ten, at most `most` steps of them, around [low, high].
Axis make_axis(double low, double high, int most, double smallest_step) {
  if (!(high > low)) {  // one value, or none
    double v = std::isfinite(low) ? low : 0;
    double room = std::max(std::abs(v) * 0.1, smallest_step > 0 ? smallest_step : 0.5);
    low = v - room;
    high = v + room;
  }
  double power = std::pow(10, std::floor(std::log10((high - low) / most)));
  double step = power;
  for (double factor : {1.0, 2.0, 5.0, 10.0}) {
    step = std::max(factor * power, smallest_step);
    double first = std::floor(low / step + 1e-9) * step,
           last = std::ceil(high / step - 1e-9) * step;
    if ((last - first) / step <= most + 0.5) return {first, last, step};
  }
  return {std::floor(low / step) * step, std::ceil(high / step) * step, step};
}

std::vector<Point> points_of(const Series& s, bool log_x) {
  if (!s.x.empty() && s.x.size() != s.y.size())
    throw ShapeError("[draw_plot] series " + in_quotes(s.name) + " has " +
                     std::to_string(s.x.size()) + " x and " + std::to_string(s.y.size()) + " y");
  std::vector<Point> points;
  for (std::size_t i = 0; i < s.y.size(); ++i)
    points.push_back({s.x.empty() ? double(i + 1) : s.x[i], s.y[i]});
  if (log_x)  // of 0 it is infinite, of less it is NaN
    for (Point& p : points) p.x = std::log10(p.x);
  return points;
}

bool finite(const Point& p) { return std::isfinite(p.x) && std::isfinite(p.y); }

struct Axes {
  Axis x, y;
};

Axes fit_axes(const Plot& plot, int height) {
  double low[2] = {INFINITY, INFINITY}, high[2] = {-INFINITY, -INFINITY};
  for (const Series& s : plot.series)
    for (const Point& p : points_of(s, plot.log_x)) {
      if (!finite(p)) continue;
      low[0] = std::min(low[0], p.x);
      high[0] = std::max(high[0], p.x);
      low[1] = std::min(low[1], p.y);
      high[1] = std::max(high[1], p.y);
    }
  if (!std::isfinite(low[0])) low[0] = low[1] = 0, high[0] = high[1] = 1;
  Axes axes{make_axis(low[0], high[0], 10, 1),
            make_axis(low[1], high[1], std::max(2, height / 40), 0)};
  axes.x.log = plot.log_x;
  return axes;
}

void draw_axes(Image& onto, const Rect& box, const Axes& axes) {
  for (int i = 0; i < axes.y.ticks(); ++i) {
    int y = box.y + int(std::lround((1 - axes.y.share(axes.y.tick(i))) * box.height));
    fill_rect(onto, {box.x, y, box.width, 1}, colors::light_grey);
    draw_text(onto, box.x - 8, y - text_height(text_size) / 2.0, axes.y.label(i), text_size,
              colors::grey, Align::right);
  }
  for (int i = 0; i < axes.x.ticks(); ++i) {
    int x = box.x + int(std::lround(axes.x.share(axes.x.tick(i)) * box.width));
    fill_rect(onto, {x, box.y + box.height, 1, 5}, colors::grey);
    draw_text(onto, x, box.y + box.height + 8, axes.x.label(i), text_size, colors::grey,
              Align::centre);
  }
  fill_rect(onto, {box.x, box.y, 1, box.height}, colors::grey);
  fill_rect(onto, {box.x, box.y + box.height, box.width + 1, 1}, colors::grey);
}

void draw_series(Image& onto, const Rect& box, const Axes& axes, const Series& series,
                 Color color) {
  std::vector<Path> paths(1);
  for (const Point& p : points_of(series, axes.x.log)) {
    if (finite(p))
      paths.back().push_back({box.x + 0.5 + axes.x.share(p.x) * box.width,
                              box.y + 0.5 + (1 - axes.y.share(p.y)) * box.height});
    else if (!paths.back().empty())
      paths.emplace_back();
  }
  draw_paths(onto, paths, color, 2);
  std::size_t count = 0;
  for (const Path& path : paths) count += path.size();
  if (count > 40) return;
  for (const Path& path : paths)
    for (const Point& p : path) draw_paths(onto, {{p}}, color, 5);
}

int name_width(const Series& s) { return text_width(s.name, text_size) + 44; }

int legend_width(const Plot& plot) {
  int width = 0;
  for (const Series& s : plot.series) width += name_width(s);
  return width;
}

// The names stand in lines between title and axes, where no curve can cross them. Returns the
// height of the lines.
int draw_legend(Image& onto, int left, int top, int width, const Plot& plot) {
  const int line = text_height(text_size) + 4;
  int x = left, y = top;
  for (std::size_t i = 0; i < plot.series.size(); ++i) {
    const std::string name = shorten(plot.series[i].name, text_size, width - 44);
    const int needed = text_width(name, text_size) + 44;
    if (x > left && x + needed - 16 > left + width) {
      x = left;
      y += line;
    }
    double middle = y + text_height(text_size) / 2.0;
    draw_paths(onto, {{{x + 2.0, middle}, {x + 20.0, middle}}}, palette[i % palette.size()], 3);
    draw_text(onto, x + 28, y, name, text_size, colors::black);
    x += needed;
  }
  return y + line - top;
}

}  // namespace

Image draw_plot(const Plot& plot, int height, int width) {
  constexpr int side = 16;
  int line = text_height(text_size);
  // Many names make a plot higher, and its curves no smaller. Nothing is drawn outside an image.
  Image none = blank_image(1, 1);
  const int names = draw_legend(none, 0, 0, width - 2 * side, plot);
  height += names - (line + 4);
  Image image = blank_image(height, width);
  int top = 10;
  draw_text(image, side, top, shorten(plot.title, title_size, width - 2 * side), title_size,
            colors::black);
  top += text_height(title_size) + 6;
  draw_legend(image, side, top, width - 2 * side, plot);
  top += legend_width(plot) > 0 ? names + 10 : 8;

  int bottom = 2 * line + 24;
  Axes axes = fit_axes(plot, height - top - bottom);
  int labels = 0;
  for (int i = 0; i < axes.y.ticks(); ++i)
    labels = std::max(labels, text_width(axes.y.label(i), text_size));
  int left = side + labels + 8;
  Rect box{left, top, width - left - side - 8, height - top - bottom};
  draw_axes(image, box, axes);
  draw_text(image, box.x + box.width / 2.0, box.y + box.height + line + 12, plot.x_label, text_size,
            colors::black, Align::centre);
  for (std::size_t i = plot.series.size(); i-- > 0;)
    draw_series(image, box, axes, plot.series[i], palette[i % palette.size()]);
  return image;
}

Color series_color(std::size_t i) { return palette[i % palette.size()]; }

Image draw_bars(const std::string& title, const std::vector<std::string>& names,
                const std::vector<double>& values, const std::vector<std::string>& words,
                int width) {
  constexpr int side = 16, bar = 16;
  const int line = text_height(text_size) + 4, each = line + bar + 12;
  int y = 10 + text_height(title_size) + 18;
  Image image = blank_image(y + int(names.size()) * each + 8, width);
  draw_text(image, side, 10, shorten(title, title_size, width - 2 * side), title_size,
            colors::black);
  double most = 0;
  for (double v : values)
    if (std::isfinite(v)) most = std::max(most, v);
  for (std::size_t i = 0; i < names.size(); ++i, y += each) {
    const int room = width - 2 * side;
    draw_text(image, side, y, shorten(names[i], text_size, room * 2 / 3), text_size, colors::black);
    draw_text(image, width - side, y, words[i], text_size, colors::grey, Align::right);
    fill_rect(image, {side, y + line, room, bar}, colors::light_grey);
    if (std::isfinite(values[i]) && most > 0)
      fill_rect(image, {side, y + line, int(std::lround(room * values[i] / most)), bar},
                series_color(i));
  }
  return image;
}

void draw_pictures(const std::string& path, const std::string& title,
                   const std::vector<Image>& pictures) {
  constexpr int margin = 12, most_in_a_row = 3;
  const int count = int(pictures.size());
  const int columns = count == 4 ? 2 : std::clamp(count, 1, most_in_a_row);
  int width = 480;
  std::vector<int> tops{title.empty() ? margin : margin + text_height(sheet_title_size) + 8};
  for (int i = 0; i < count; ++i) {
    const Image& picture = pictures[std::size_t(i)];
    width = std::max(width, picture.width);
    if (i % columns == 0) tops.push_back(tops.back());
    tops.back() = std::max(tops.back(), tops[std::size_t(i / columns)] + picture.height);
  }
  Image sheet = blank_image(tops.back() + margin, 2 * margin + columns * width);
  draw_text(sheet, margin + 16, margin, shorten(title, sheet_title_size, columns * width - 32),
            sheet_title_size, colors::black);
  for (int i = 0; i < count; ++i)
    draw_image(sheet, margin + i % columns * width, tops[std::size_t(i / columns)],
               pictures[std::size_t(i)]);
  write_png(path, sheet, false);
}

void draw_curves(const std::string& path, const std::string& title,
                 const std::vector<Plot>& plots) {
  int width = 480;
  for (const Plot& plot : plots) width = std::max(width, legend_width(plot) + 32);
  std::vector<Image> pictures;
  for (const Plot& plot : plots) pictures.push_back(draw_plot(plot, 360, width));
  draw_pictures(path, title, pictures);
}

}  // namespace tweed
