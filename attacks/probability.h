// Attacks of coursework: towards a chosen class, and until the network is sure.
#pragma once
#include "attacks/pgd.h"

namespace tweed {

/// Ascent on the probability of the goal's class (descent on the label's, if the goal is to raise
/// its loss): X' += step dP/dX', each time cut to eps and to valid pixels. The step is a factor of
/// the gradient in units of eps, which is small: probabilities change by little. Linf.
/// Source: the fooling images of a coursework (see docs/attacks.md)
Tensor probability_ascent(Module& network, const Tensor& x, const Tensor& labels,
                          const PgdOptions& options);

/// Sign steps as PGD's, but each image ends with the first that makes the network so sure of a
/// wrong class: options.confidence, 0.99 if negative. With a target that class counts alone. Linf.
/// Source: Kurakin, Goodfellow, Bengio 2016, arXiv:1607.02533 (the steps)
Tensor until_sure(Module& network, const Tensor& x, const Tensor& labels,
                  const PgdOptions& options);

}  // namespace tweed
