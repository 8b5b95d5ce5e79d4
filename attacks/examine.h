// What the self-test of attacks measures.
#pragma once
#include "attacks/self_test.h"

namespace tweed {

/// How many images the network gets right.
double right_answers(Module& network, const Tensor& x, const Tensor& labels);
/// x plus random noise of each image's own size.
Tensor noise_of_sizes(const Tensor& x, const std::vector<double>& sizes, const AttackSpace& space,
                      uint64_t seed, uint32_t batch);
/// The bounds of pixels alone.
AttackSpace without_eps(AttackSpace space);

/// A closer look at an attack on one batch; figures are per cent of its images, or of values.
struct Closer {
  Module& network;
  const Tensor &x, &labels;
  const PgdOptions& options;
  const PgdFunction& attack;

  /// Of the cross-entropy of the labels, at x.
  double zero_gradients() const;
  /// Whether the attack's steps come to one step as long as all of them, although the gradient has
  /// other signs where they lead.
  bool is_frozen() const;
  /// Top-1 under the attack; under a hundred queries of Square; and under the attack with an eps
  /// that no image is beyond, or of ten times the deviation where values have no bounds.
  double attacked() const;
  double black_box() const;
  double unbounded() const;
};

}  // namespace tweed
