// How a network is trained: optimizer, learning rates, and what they apply to.
#pragma once
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "apps/app.h"
#include "optim/optimizer.h"
#include "optim/schedule.h"

namespace tweed::app {

/// --optimizer, --lr, --schedule, ...
struct OptimizerFlags {
  std::string optimizer = "sgd", schedule = "cosine";
  std::optional<double> lr, weight_decay;  ///< unset: the optimizer's own
  double momentum = 0.9, warmup = 5;       ///< epochs
  double clip_grad = 0, ema = 0;
  bool nesterov = false, no_decay_norms = false;
  std::vector<std::string> freeze;
  int accumulate = 1;

  void add_to(CLI::App& flags);
  /// Notes on stderr what has no effect. @throws Error  for flags that do not go together
  void check(int64_t batch_size) const;
  /// Says on stderr which flags have no effect beside others.
  void note_unused() const;

  std::vector<ParameterRule> rules() const;
  std::unique_ptr<Optimizer> make(ParameterBuffer& parameters) const;
  /// @param total, warmup  iterations
  Schedule rate(int64_t total, int64_t warmup) const;
  /// Of the optimizer's momentum; empty if it stays.
  Schedule momentum_over(int64_t total) const;
  /// What a resumed run must have in common with the one before, so that its state fits.
  nlohmann::json state_kind() const;

 private:
  double largest_rate() const;
  CLI::Option *warmup_option_ = nullptr, *momentum_option_ = nullptr;
};

}  // namespace tweed::app
