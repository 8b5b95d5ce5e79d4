// The Square attack: random squares, kept where they help. It asks the network for answers alone.
#pragma once
#include "attacks/apgd.h"

namespace tweed {

struct SquareOptions {
  int queries = 5000;
  double first_share = 0.8;  ///< of the pixels that the first square covers
};

/// Begins with vertical stripes, then adds or takes eps in one square of each image at a time, in
/// each colour, and keeps what lowers the label's lead. Squares shrink on the way. Linf alone. An
/// image that is fooled is left alone.
///
/// @param targets  (N), int32: what images should become; undefined: any other class
/// @throws Error  for L2 and L1
/// Source: Andriushchenko, Croce, Flammarion, Hein 2019, arXiv:1912.00049
Attempt square(const PixelView& view, const Tensor& labels, const Tensor& targets, Draws& draws,
               const SquareOptions& more = {});

}  // namespace tweed
