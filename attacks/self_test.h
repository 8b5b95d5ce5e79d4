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
  /// Top-1 in per cent: of the images as they are, attacked, with four times the steps, under noise
  /// of the same size; of the first hundred under a hundred queries of Square, and under the attack
  /// with the largest eps that there is. -1 where it was not measured.
  double clean = 0, attacked = 0, longer = 0, noise = 0, black_box = -1, unbounded = -1;
  /// Per cent of the values of the loss's gradient at the images themselves that are 0.
  double zero_gradients = 0;
  /// Of the changes of attacked images, in units of eps and its norm: the mean, and the largest.
  double mean_size = 0, largest_size = 0;
  bool had_room = true;  ///< false: eps is 0, or so small that no pixel may change
  bool ok() const { return failures.empty(); }
};

/// What can be examined: anything with the signature of pgd().
using PgdFunction = std::function<PgdResult(Module&, const Tensor& x, const Tensor& labels,
                                            const PgdOptions&, uint32_t batch)>;
/// What holds of an attack that does as it should.
struct Expected {
  bool bounded = true;   ///< it keeps to eps; else to valid pixels alone
  bool fills = true;     ///< its changes reach eps, if its steps together do
  bool gradient = true;  ///< it follows gradients, so that four times the steps may go further
};

/// Runs an attack on a sample of images, and checks that
///  - the loss it optimises moved the right way, and images changed (failure),
///  - no image left the ball (failure),
///  - changes reach eps where the steps do: else eps is in the wrong space (failure),
///  - steps did not all follow the first gradient, where gradients turn (failure),
///  - four times the steps do not help the network by more than noise explains (warning),
///  - random noise of the same size does far less (warning),
///  - gradients are not 0 (warning),
///  - the attack beats Square, which has no gradients, and with the largest eps that there is
///  leaves
///    no image right (warnings: the gradients are masked).
/// Where eps leaves no room, attacked images must equal clean ones instead. An attack that is
/// cancelled (PgdOptions) leaves an empty result.
///
/// @param x       (N, H, W, 3), normalised; a hundred or more, for the warnings to mean something
/// @param labels  (N), int32
/// Source of the signs of masked gradients: Athalye, Carlini, Wagner 2018, arXiv:1802.00420
SelfTest self_test(Module& network, const Tensor& x, const Tensor& labels,
                   const PgdOptions& options, const PgdFunction& attack = pgd,
                   const Expected& expected = {});

/// The attack of that name as self_test() takes it, its losses being the goal's cross-entropy.
PgdFunction examinable(const std::string& name);
Expected expected_of(const std::string& name);

}  // namespace tweed
