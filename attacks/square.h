// The Square attack: random squares, kept where they help. It asks the network for answers alone.
#pragma once
#include "attacks/apgd.h"

namespace tweed {

struct SquareOptions {
  int queries = 5000;
  double first_share = 0.8;  ///< of the pixels that the first square covers
};

/// In Linf begins with vertical stripes, then adds or takes eps in one square of each image at a
/// time, in each colour; in L2 begins with a grid of tiles, then moves the change of one square to
/// another. Keeps what lowers the label's lead. Squares shrink on the way: from `first_share` of
/// the pixels to a 512th of that, however many queries there are. An image that is fooled is left
/// alone.
///
/// @param targets  (N), int32: what images should become; undefined: any other class
/// @throws Error  for L1
/// Source: Andriushchenko, Croce, Flammarion, Hein 2019, arXiv:1912.00049
Attempt square(const PixelView& view, const Tensor& labels, const Tensor& targets, Draws& draws,
               const SquareOptions& more = {});

}  // namespace tweed
