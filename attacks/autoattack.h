// AutoAttack: several attacks one after another, each on what those before left.
#pragma once
#include "attacks/apgd.h"

namespace tweed {

/// Its standard sequence: APGD on cross-entropy; targeted APGD on the DLR loss, then targeted FAB,
/// each against the nine likeliest other classes in turn; Square (in Linf). Each sees only images
/// that the network still gets right. With fewer than 4 classes targeted APGD lowers the target's
/// cross-entropy instead of the DLR loss, which needs as many.
///
/// @param options  steps: of each run of APGD and FAB, and a fiftieth of Square's queries: 100 in
///                 the paper. Norms are Linf and L2, which has no Square here
/// @throws Error  for L1
/// Source: Croce, Hein 2020, arXiv:2003.01690
Tensor autoattack(Module& network, const Tensor& x, const Tensor& labels,
                  const PgdOptions& options);

}  // namespace tweed
