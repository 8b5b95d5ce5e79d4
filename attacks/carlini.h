// Carlini and Wagner's attack: the smallest change in L2, by gradient descent on both the change
// and the network's lead.
#pragma once
#include "attacks/pgd.h"

namespace tweed {

struct CarliniOptions {
  double tradeoff = 1;          ///< c: how much the lead counts beside the change, at first
  double learning_rate = 0.01;  ///< Adam's
  int searches =
      1;  ///< of a c for each image: 10 times as large until it is fooled, then by halves
};

/// Images that the network takes for another class (or for the goal's), with the smallest change in
/// L2 that was met on the way; there is no eps. Others stay as they are. Valid pixels are kept by
/// descending in the tanh of which a pixel is a function.
///
/// @param x, labels  as an Attack gets them
/// @param options    steps (of each search), goal, confidence (the lead in logits, kappa; 0 if
///                   negative), space (pixels, not its eps) and cancelled count
/// @throws Error  where eps is in normalised units, which have no bounds
/// Source: Carlini, Wagner 2016, arXiv:1608.04644
Tensor carlini(Module& network, const Tensor& x, const Tensor& labels, const PgdOptions& options,
               const CarliniOptions& more = {});

}  // namespace tweed
