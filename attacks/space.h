// Where attacked images may be: the norm, how far, and in which units.
#pragma once
#include <array>
#include <cstdint>
#include <limits>
#include <string>

#include "tensor/tensor.h"

namespace tweed {

/// How the size of a change is measured, over all values of an image.
enum class Norm : uint8_t {
  linf,  ///< the largest change of a value
  l2,    ///< the square root of the sum of squares
  l1,    ///< the sum of absolute values
};
/// "Linf", "L2", "L1"
std::string name_of(Norm norm);

/// Where attacked images may be, in the network's (normalised) space, per colour channel.
struct AttackSpace {
  /// Of L2 and L1 the most that one value can change.
  std::array<float, 3> eps{}, step{};
  std::array<float, 3> lo, hi;
  Norm norm = Norm::linf;
  /// value * unit + zero is a pixel in 0..1; 1 and 0 where eps is in normalised units.
  std::array<float, 3> unit{1, 1, 1}, zero{};
  double radius = 0, stride = 0;  ///< eps and step as they were given
};
/// eps and step in pixels of 0..1 (8/255), and pixels stay in 0..1.
AttackSpace pixel_space(double eps, double step, const std::array<float, 3>& mean,
                        const std::array<float, 3>& std, Norm norm = Norm::linf);
/// eps and step in normalised units, any value allowed: the coursework's.
AttackSpace normalized_space(double eps, double step, Norm norm = Norm::linf);
/// The same space with another step, or another eps.
AttackSpace with_step(AttackSpace space, double step);
AttackSpace with_eps(AttackSpace space, double eps);
/// Whether pixels are kept in 0..1.
bool keeps_pixels(const AttackSpace& space);

/// Whether any image may differ from x at all: not with an eps of 0, nor with one that rounding
/// swallows.
bool leaves_room(const Tensor& x, const AttackSpace& space);

/// By how much `images` leave the space, 0 if they do not: in normalised units for the bounds of
/// single values, which are exact; in those of eps for L2 and L1, where rounding is forgiven.
double outside(const Tensor& images, const Tensor& x, const AttackSpace& space);

/// The size of each image's change, in units of eps.
std::vector<double> change_sizes(const Tensor& images, const Tensor& x, const AttackSpace& space,
                                 Norm norm);

}  // namespace tweed
