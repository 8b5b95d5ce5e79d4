// An attack that examines itself. Attacks fail silently: with a wrong sign or a loose projection
// the figures still look like figures.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "attacks/pgd.h"

namespace tweed {

struct SelfTest {
  std::vector<std::string> failures;  ///< the attack is wrong
  std::vector<std::string> warnings;  ///< the attack may be weak, or the network hides gradients
  double clean = 0, attacked = 0, longer = 0, noise = 0;  ///< top-1 in per cent
  bool had_room = true;  ///< false: eps is 0, or so small that no pixel may change
  bool ok() const { return failures.empty(); }
};

/// What can be examined: anything with the signature of pgd().
using PgdFunction = std::function<PgdResult(Module&, const Tensor& x, const Tensor& labels,
                                            const PgdOptions&, uint32_t batch)>;

/// Runs an attack on a sample of images, and checks that
///  - the loss it optimises moved the right way (failure),
///  - no image left the box (failure),
///  - four times the steps do not help the network by more than noise explains (warning),
///  - random noise of the same size does far less (warning).
/// Where eps leaves no room, attacked images must equal clean ones instead. An attack that is
/// cancelled (PgdOptions) leaves an empty result.
///
/// @param x       (N, H, W, 3), normalised; a hundred or more, for the warnings to mean something
/// @param labels  (N), int32
SelfTest self_test(Module& network, const Tensor& x, const Tensor& labels,
                   const PgdOptions& options, const PgdFunction& attack = pgd);

}  // namespace tweed
