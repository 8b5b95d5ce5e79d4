// Affine maps of the plane, and of colours.
#pragma once
#include <array>
#include <cmath>

namespace tweed {

/// (x, y) to (a[0] x + a[1] y + a[2], a[3] x + a[4] y + a[5]).
struct Affine {
  std::array<double, 6> a{1, 0, 0, 0, 1, 0};

  static Affine shift(double x, double y) { return {{1, 0, x, 0, 1, y}}; }
  static Affine scale(double x, double y) { return {{x, 0, 0, 0, y, 0}}; }
  static Affine shear(double x, double y) { return {{1, x, 0, y, 1, 0}}; }
  /// Turns by an angle in radians.
  static Affine turn(double angle) {
    const double c = std::cos(angle), s = std::sin(angle);
    return {{c, -s, 0, s, c, 0}};
  }
  /// This map, after `before`.
  Affine after(const Affine& before) const {
    const auto& b = before.a;
    return {{a[0] * b[0] + a[1] * b[3], a[0] * b[1] + a[1] * b[4], a[0] * b[2] + a[1] * b[5] + a[2],
             a[3] * b[0] + a[4] * b[3], a[3] * b[1] + a[4] * b[4],
             a[3] * b[2] + a[4] * b[5] + a[5]}};
  }
  /// This map, with (x, y) in the place of the origin.
  Affine about(double x, double y) const { return shift(x, y).after(after(shift(-x, -y))); }
};

/// Colours (red, green, blue) to `m` times (red, green, blue, 1), in pixel values.
struct ColourMap {
  std::array<std::array<double, 4>, 3> m{{{1, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 1, 0}}};

  static ColourMap gain(double red, double green, double blue) {
    return {{{{red, 0, 0, 0}, {0, green, 0, 0}, {0, 0, blue, 0}}}};
  }
  /// `amount` of the colour and 1 - amount of its grey (0.299, 0.587, 0.114).
  static ColourMap saturation(double amount);
  /// `amount` of the colour and 1 - amount of `grey`.
  static ColourMap contrast(double amount, double grey);
  /// Hues turned by an angle in radians: feColorMatrix's hueRotate of SVG, which browsers have.
  static ColourMap hue(double angle);

  ColourMap after(const ColourMap& before) const;
  std::array<double, 3> of(const std::array<double, 3>& colour) const;
};

/// 0.299 red + 0.587 green + 0.114 blue
double grey_of(const std::array<double, 3>& colour);

}  // namespace tweed
