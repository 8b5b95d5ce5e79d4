// DeepFool: the nearest border of a class, as if the network were linear, again and again.
#pragma once
#include "attacks/pgd.h"

namespace tweed {

struct DeepFoolOptions {
  double overshoot = 0.02;  ///< goes so much further than the border
  int64_t classes = 10;     ///< only the likeliest so many are thought of
};

/// Images that the network takes for another class, changed as little as this finds in L2; there is
/// no eps. Images that it takes for another class already stay as they are.
///
/// @param x, labels  as an Attack gets them
/// @param options    steps, space (its bounds, not its eps) and cancelled count
/// Source: Moosavi-Dezfooli, Fawzi, Frossard 2015, arXiv:1511.04599
Tensor deepfool(Module& network, const Tensor& x, const Tensor& labels, const PgdOptions& options,
                const DeepFoolOptions& more = {});

}  // namespace tweed
