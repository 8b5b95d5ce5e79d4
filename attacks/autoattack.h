// AutoAttack: several attacks one after another, each on what those before left.
#pragma once
#include <vector>

#include "attacks/apgd.h"

namespace tweed {

/// What AutoAttack is made of.
enum class AutoPart : uint8_t {
  apgd,           ///< APGD on cross-entropy
  targeted_apgd,  ///< on the DLR loss, against the nine likeliest other classes in turn
  targeted_fab,   ///< against the same
  square,
};
/// The paper's four.
std::vector<AutoPart> standard_parts();

/// The parts one after another, by default the standard sequence. Each sees only images that the
/// network still gets right, and so does each target. With fewer than 4 classes targeted APGD
/// lowers the target's cross-entropy instead of the DLR loss, which needs as many.
///
/// @param options  steps: of each run of APGD and FAB, and a fiftieth of Square's queries: 100 in
///                 the paper. Norms are Linf and L2
/// @throws Error  for L1
/// Source: Croce, Hein 2020, arXiv:2003.01690
Tensor autoattack(Module& network, const Tensor& x, const Tensor& labels, const PgdOptions& options,
                  const std::vector<AutoPart>& parts = standard_parts());

}  // namespace tweed
