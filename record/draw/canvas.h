// Drawing on an RGB image: rectangles, other images, lines and text.
//
// Coordinates are pixels from the upper left corner; what lies outside the image is cut off.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "data/image.h"

namespace tweed::draw {

struct Color {
  uint8_t r = 0, g = 0, b = 0;
  bool operator==(const Color&) const = default;
};
namespace colors {
inline constexpr Color white{255, 255, 255}, black{17, 17, 17}, grey{110, 110, 110},
    light_grey{221, 221, 221}, red{200, 40, 40}, green{30, 130, 60}, blue{31, 100, 180};
}  // namespace colors

struct Rect {
  int x = 0, y = 0, width = 0, height = 0;
};

Image blank_image(int height, int width, Color color = colors::white);

void fill_rect(Image& onto, const Rect& rect, Color color);
/// The outline of `rect`, `width` pixels wide, drawn outside it.
void draw_frame(Image& onto, const Rect& rect, Color color, int width = 1);

/// Copies `image` with its upper left corner at (x, y).
void draw_image(Image& onto, int x, int y, const Image& image);
/// Scales `image` to fill `place`.
void draw_image(Image& onto, const Rect& place, const Image& image,
                Scaling scaling = Scaling::bilinear);

struct Point {
  double x = 0, y = 0;
};
using Path = std::vector<Point>;
/// Antialiased polylines with round joints and ends, `width` pixels wide. The centre of the upper
/// left pixel is at (0.5, 0.5).
void draw_paths(Image& onto, const std::vector<Path>& paths, Color color, double width = 1);

enum class Align { left, centre, right };
/// One line of ASCII text; other characters show as '?'. `y` is the top of the line, which is
/// text_height(size) pixels high; `x` is the left end, the middle or the right end of the text.
///
/// @param size  height of a capital letter in pixels, at least 6
void draw_text(Image& onto, double x, double y, std::string_view text, double size, Color color,
               Align align = Align::left);
/// Width and height in pixels that draw_text() needs, descenders included.
int text_width(std::string_view text, double size);
int text_height(double size);
/// `text`, cut short and ended by "..." where it is wider than `width` pixels.
std::string shorten(std::string_view text, double size, int width);

}  // namespace tweed::draw
