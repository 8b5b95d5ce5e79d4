// Text: a font of strokes, drawn as lines, so that it is sharp at any size and needs no font file.
#include <algorithm>
#include <array>
#include <cmath>
#include <sstream>

#include "record/draw/canvas.h"

namespace tweed::draw {
namespace {

// The printable characters from ' ' on: a width, then strokes. y points up from the base line,
// capitals are 10 high and small letters 7.
//   M x y             begins a stroke
//   L x y             a line
//   O x y rx ry a b   begins with an arc of an ellipse around (x, y), from a to b degrees
//   A x y rx ry a b   a line to that arc, and the arc
constexpr std::array<const char*, 95> font = {
    "1.4",
    "0 M0 10 L0 3.2 M0 0",
    "2 M0 10 L0 7.5 M2 10 L2 7.5",
    "7.6 M2 0 L3.2 10 M4.8 0 L6 10 M0 3.2 L7 3.2 M0.6 6.8 L7.6 6.8",
    "6.4 O3.2 7.3 2.9 2.3 25 270 A3.2 2.5 3.1 2.5 90 -155 M3.2 11 L3.2 -1",
    "9 O2 7.8 2 2.2 0 360 O7 2.2 2 2.2 0 360 M7.2 10 L1.8 0",
    "8 M7.8 0 L1.8 6.8 A3.4 8.2 1.8 1.8 215 -45 L1.4 4.6 A2.8 2.5 2.8 2.5 125 300 L7.4 4.6",
    "0 M0 10 L0 7.5",
    "2.2 O5 3.75 5 7.2 125 235",
    "2.2 O-2.8 3.75 5 7.2 55 -55",
    "3.8 M1.9 10 L1.9 5.6 M0 8.9 L3.8 6.7 M0 6.7 L3.8 8.9",
    "6 M3 2 L3 8 M0 5 L6 5",
    "0.6 M0.6 0.2 L0 -1.9",
    "3.4 M0 4 L3.4 4",
    "0 M0 0",
    "4 M0 -1 L4 10.6",
    "6.2 O3.1 5 3.1 5 0 360",
    "6.2 M1.4 7.8 L3.8 10 L3.8 0",
    "6.2 O3.1 7.1 2.9 2.9 165 -35 L0.1 0 L6.2 0",
    "6.2 O3 7.5 2.7 2.5 150 -90 A3 2.6 3.1 2.6 90 -150",
    "6.4 M4.7 0 L4.7 10 L0 3 L6.4 3",
    "6.2 M5.6 10 L1 10 L0.5 5.4 A2.9 3.3 3.2 3.3 130 -150",
    "6.2 O3.1 3.2 3.1 3.2 0 360 M0 3.2 A5.2 3.2 5.2 6.8 180 95",
    "6.2 M0 10 L6.2 10 L2 0",
    "6.2 O3.1 7.6 2.6 2.4 0 360 O3.1 2.6 3.1 2.6 0 360",
    "6.2 O3.1 6.8 3.1 3.2 0 360 O1 6.8 5.2 6.8 0 -85",
    "0 M0 0 M0 6",
    "0.6 M0.6 0.2 L0 -1.9 M0.6 6",
    "5.6 M5.6 8 L0 5 L5.6 2",
    "6 M0 3.6 L6 3.6 M0 6.4 L6 6.4",
    "5.6 M0 8 L5.6 5 L0 2",
    "5 O2.5 7.4 2.5 2.6 165 -45 L2.5 4.6 L2.5 3.2 M2.5 0",
    "10 O5 4.4 2.2 2.4 0 360 M7.2 6.8 L7.2 3.2 A8.6 3.2 1.4 1.4 180 360 L10 4.5 "
    "A5 4.5 5 5.5 0 310",
    "8 M0 0 L4 10 L8 0 M1.4 3.5 L6.6 3.5",
    "6.6 M0 5.2 L3.8 5.2 A3.8 7.6 2.4 2.4 -90 90 L0 10 L0 0 L4 0 A4 2.6 2.6 2.6 -90 90",
    "7.6 O4.5 5 4.5 5 45 315",
    "7.4 M0 0 L0 10 L2.6 10 A2.6 5 4.8 5 90 -90 L0 0",
    "6 M6 10 L0 10 L0 0 L6 0 M0 5.2 L5 5.2",
    "5.8 M5.8 10 L0 10 L0 0 M0 5.2 L4.8 5.2",
    "8.6 O4.5 5 4.5 5 45 335 L8.6 4.8 L5.4 4.8",
    "7.4 M0 0 L0 10 M7.4 0 L7.4 10 M0 5.2 L7.4 5.2",
    "0 M0 0 L0 10",
    "4.6 M4.6 10 L4.6 2.6 A2.2 2.5 2.4 2.5 0 -160",
    "7 M0 0 L0 10 M6.6 10 L0 3.6 M2.4 6 L7 0",
    "5.6 M0 10 L0 0 L5.6 0",
    "8.8 M0 0 L0 10 L4.4 2.5 L8.8 10 L8.8 0",
    "7.4 M0 0 L0 10 L7.4 0 L7.4 10",
    "9 O4.5 5 4.5 5 0 360",
    "6.4 M0 0 L0 10 L3.6 10 A3.6 7.2 2.8 2.8 90 -90 L0 4.4",
    "9 O4.5 5 4.5 5 0 360 M5.6 2.4 L8.8 -0.8",
    "6.8 M0 0 L0 10 L3.6 10 A3.6 7.2 2.8 2.8 90 -90 L0 4.4 M3.4 4.4 L6.8 0",
    "6.3 O3.2 7.5 2.9 2.5 25 270 A3.2 2.5 3.1 2.5 90 -155",
    "7.4 M0 10 L7.4 10 M3.7 10 L3.7 0",
    "7.2 M0 10 L0 3.6 A3.6 3.6 3.6 3.6 180 360 L7.2 10",
    "7.8 M0 10 L3.9 0 L7.8 10",
    "11 M0 10 L2.75 0 L5.5 9.4 L8.25 0 L11 10",
    "7.4 M0 10 L7.4 0 M0 0 L7.4 10",
    "7.4 M0 10 L3.7 5 L7.4 10 M3.7 5 L3.7 0",
    "7 M0.2 10 L6.8 10 L0 0 L7 0",
    "2.2 M2.2 10.6 L0 10.6 L0 -2 L2.2 -2",
    "4 M0 10.6 L4 -1",
    "2.2 M0 10.6 L2.2 10.6 L2.2 -2 L0 -2",
    "5 M0 7 L2.5 10 L5 7",
    "6 M0 -1.5 L6 -1.5",
    "1.4 M0 10.4 L1.4 8.6",
    "5.6 O2.8 3.5 2.8 3.5 0 360 M5.6 7 L5.6 0",
    "5.6 O2.8 3.5 2.8 3.5 0 360 M0 10.4 L0 0",
    "4.9 O2.9 3.5 2.9 3.5 45 315",
    "5.6 O2.8 3.5 2.8 3.5 0 360 M5.6 10.4 L5.6 0",
    "5.6 M0.05 3.7 L5.6 3.7 A2.8 3.5 2.8 3.5 3 310",
    "3.6 O3.2 8.3 1.8 2.1 75 180 L1.4 0 M0 7 L3.4 7",
    "5.6 O2.8 3.5 2.8 3.5 0 360 M5.6 7 L5.6 -0.4 A2.9 -0.4 2.7 2.6 0 -150",
    "5.2 M0 10.4 L0 0 M0 4.2 A2.6 4.4 2.6 2.6 180 0 L5.2 0",
    "0 M0 0 L0 7 M0 9.8",
    "1.6 M1.6 7 L1.6 -0.8 A0 -0.8 1.6 2.2 0 -90 M1.6 9.8",
    "5 M0 10.4 L0 0 M4.7 7 L0 2.6 M1.9 4.4 L5 0",
    "0 M0 10.4 L0 0",
    "8.6 M0 7 L0 0 M0 4.6 A2.15 4.7 2.15 2.3 180 0 L4.3 0 M4.3 4.6 A6.45 4.7 2.15 2.3 180 0 "
    "L8.6 0",
    "5.2 M0 7 L0 0 M0 4.2 A2.6 4.4 2.6 2.6 180 0 L5.2 0",
    "5.8 O2.9 3.5 2.9 3.5 0 360",
    "5.6 O2.8 3.5 2.8 3.5 0 360 M0 7 L0 -3",
    "5.6 O2.8 3.5 2.8 3.5 0 360 M5.6 7 L5.6 -3",
    "3 M0 7 L0 0 M0 4 A2.7 4 2.7 3 180 80",
    "4.5 O2.3 5.25 2 1.75 25 270 A2.3 1.75 2.2 1.75 90 -155",
    "3.6 M1.4 9.2 L1.4 2 A3.2 2 1.8 2 180 280 M0 7 L3.4 7",
    "5.2 M0 7 L0 2.6 A2.6 2.6 2.6 2.6 180 360 M5.2 7 L5.2 0",
    "5.4 M0 7 L2.7 0 L5.4 7",
    "8 M0 7 L2 0 L4 6.6 L6 0 L8 7",
    "5 M0 7 L5 0 M0 0 L5 7",
    "5.4 M0 7 L2.75 0.2 M5.4 7 L1.5 -3 L0.2 -3",
    "4.8 M0 7 L4.8 7 L0 0 L4.8 0",
    "3 M3 10.6 L1.6 10.2 L1.6 5.2 L0 4.3 L1.6 3.4 L1.6 -1.6 L3 -2",
    "0 M0 10.6 L0 -2",
    "3 M0 10.6 L1.4 10.2 L1.4 5.2 L3 4.3 L1.4 3.4 L1.4 -1.6 L0 -2",
    "6.4 O1.6 4.4 1.6 1.3 180 0 A4.8 4.4 1.6 1.3 180 360",
};

constexpr double gap = 2.4, descent = 3.8, ascent = 11.5;

struct Glyph {
  double width = 0;
  std::vector<Path> strokes;
};

void add_arc(Path& path, double x, double y, double rx, double ry, double from, double to) {
  int steps = std::max(2, int(std::abs(to - from) / 15));
  for (int i = 0; i <= steps; ++i) {
    double angle = (from + (to - from) * i / steps) * M_PI / 180;
    path.push_back({x + rx * std::cos(angle), y + ry * std::sin(angle)});
  }
}

Glyph parse_glyph(const char* text) {
  std::istringstream in(text);
  Glyph glyph;
  in >> glyph.width;
  char command;
  while (in >> command) {
    double x, y, rx, ry, from, to;
    in >> x >> y;
    if (command == 'M' || command == 'O') glyph.strokes.emplace_back();
    if (command == 'M' || command == 'L') {
      glyph.strokes.back().push_back({x, y});
    } else {
      in >> rx >> ry >> from >> to;
      add_arc(glyph.strokes.back(), x, y, rx, ry, from, to);
    }
  }
  return glyph;
}

const Glyph& glyph_of(char c) {
  static const std::vector<Glyph> glyphs = [] {
    std::vector<Glyph> all;
    for (const char* text : font) all.push_back(parse_glyph(text));
    return all;
  }();
  return glyphs[c >= ' ' && c <= '~' ? c - ' ' : '?' - ' '];
}

/// Where a glyph's units fall on pixels. Stems, base line and the two heights are moved to the
/// middle of pixels, which keeps small text sharp.
struct Fit {
  explicit Fit(double size)
      : unit(size / 10), small(std::round(7 * unit)), capital(std::round(size)) {}
  double height(double y) const {
    if (y <= 0) return y * unit;
    return y <= 7 ? y * small / 7 : small + (y - 7) / 3 * (capital - small);
  }
  double width(const Glyph& g) const { return std::round(g.width * unit); }
  double advance(const Glyph& g) const { return std::max(width(g) + std::round(gap * unit), 2.0); }
  double stroke() const { return std::max(1.15, unit * 1.15); }

  double unit, small, capital;
};

}  // namespace

void draw_text(Image& onto, double x, double y, std::string_view text, double size, Color color,
               Align align) {
  Fit fit(size);
  if (align != Align::left) x -= text_width(text, size) / (align == Align::centre ? 2.0 : 1.0);
  double pen = std::floor(x) + 0.5 + std::floor(fit.stroke() / 2);
  double base = std::floor(y + ascent * fit.unit) + 0.5;
  for (char c : text) {
    const Glyph& glyph = glyph_of(c);
    double scale = glyph.width > 0 ? fit.width(glyph) / glyph.width : fit.unit;
    std::vector<Path> strokes = glyph.strokes;
    for (Path& path : strokes)
      for (Point& p : path) p = {pen + p.x * scale, base - fit.height(p.y)};
    draw_paths(onto, strokes, color, fit.stroke());
    pen += fit.advance(glyph);
  }
}

int text_width(std::string_view text, double size) {
  Fit fit(size);
  double width = 0;
  for (char c : text) width += fit.advance(glyph_of(c));
  return int(std::ceil(width));
}

int text_height(double size) { return int(std::ceil((ascent + descent) * size / 10)) + 1; }

std::string shorten(std::string_view text, double size, int width) {
  if (text_width(text, size) <= width) return std::string(text);
  int dots = text_width("...", size);
  while (!text.empty() && text_width(text, size) + dots > width) text.remove_suffix(1);
  return std::string(text) + "...";
}

}  // namespace tweed::draw
