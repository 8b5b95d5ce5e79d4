// Another program that times its own steps when asked, so that both sides take turns on the same
// machine: benchmarks/torch_train_bench.py --serve.
#pragma once
#include <cstdio>
#include <string>
#include <vector>

namespace tweed::bench {

class Rival {
 public:
  /// Starts the program and waits until it says "ready".
  /// @param environment  "NAME=value" entries that it gets besides ours
  /// @throws Error  if it does not start
  Rival(const std::vector<std::string>& command, const std::vector<std::string>& environment);
  ~Rival();
  Rival(const Rival&) = delete;
  Rival& operator=(const Rival&) = delete;

  /// What it says about itself.
  const std::string& description() const { return description_; }
  /// The milliseconds of a step, the median of `steps`.
  double step(int steps);

 private:
  std::string line();

  int pid_ = -1;
  FILE *to_ = nullptr, *from_ = nullptr;
  std::string description_;
};

}  // namespace tweed::bench
