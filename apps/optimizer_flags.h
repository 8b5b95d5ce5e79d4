// How a network is trained: optimizer, learning rates, and what they apply to.
#pragma once
#include <string>
#include <vector>

#include "apps/app.h"
#include "train/options.h"

namespace tweed::app {

/// --optimizer, --lr, --schedule, ...
struct OptimizerFlags {
  TrainerOptions& options;           ///< where they are written to
  std::vector<std::string>& freeze;  ///< patterns of parameters that are not trained

  void add_to(CLI::App& flags);
  /// @throws Error  for flags that do not go together: "--nesterov belongs to --optimizer sgd"
  void check() const;
  /// Says on stderr which flags have no effect beside others.
  void note_unused() const;
  CLI::Option *warmup_option = nullptr, *momentum_option = nullptr;
};

}  // namespace tweed::app
