// A View while it is drawn: what its random choices add up to.
#pragma once
#include <optional>

#include "data/affine.h"
#include "data/augment.h"

namespace tweed {

class Draft {
 public:
  /// @param pixels  of the stored image; null if no choice depends on them
  /// @param curve   is filled as soon as there is one
  Draft(const uint8_t* pixels, int side, int size, Curve& curve)
      : side(side), size(size), pixels_(pixels), curve_(curve) {}

  /// A further change of colours.
  void then(const ColourMap& map);
  /// A curve, which comes before all changes of colours.
  void then(const Curve& curve);
  /// A further movement of the result's places, about the result's middle.
  void move(const Affine& by) { map = map.after(by.about(size / 2.0, size / 2.0)); }
  void sharpen(float amount) { view.sharpness *= amount; }

  /// Of the stored image, after the changes so far: for contrast.
  double mean_grey() const;
  /// After the curve so far.
  Histogram histogram() const;

  View finish(bool bicubic);

  const int side, size;
  Affine map;  ///< places of the result to places of the stored image
  View view;

 private:
  const uint8_t* pixels_;
  Curve& curve_;
  std::optional<ColourMap> colours_;
};

/// One operation of RandAugment, drawn with the rest, at a magnitude of 0 to 30.
/// Source: Cubuk et al. 2019, arXiv:1909.13719; operations and their ranges are torchvision's.
void rand_augment(Draft& draft, double magnitude, Random& random);

}  // namespace tweed
