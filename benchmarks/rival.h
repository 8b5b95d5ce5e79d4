// Another program that times its own steps when asked, so that both sides take turns on the same
// machine: torch_train_bench.py --serve and torch_conv_bench.py.
#pragma once
#include <cstdio>
#include <string>
#include <vector>

namespace tweed::bench {

/// The environment in which PyTorch is at its best on the CPU: its freed memory is kept for reuse.
std::vector<std::string> tuned_malloc();
/// The path of a script of benchmarks/: beside this program, else where it was built from.
std::string script(const std::string& name);

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
  /// Sends a line and waits for the line that answers it.
  /// @throws Error  if that begins with "error", or the program has ended
  std::string ask(const std::string& line);
  /// The same, for a question whose answer is a number.
  double number(const std::string& line);

 private:
  std::string line();
  std::string why_not(const std::string& first) const;

  int pid_ = -1;
  FILE *to_ = nullptr, *from_ = nullptr;
  std::string description_;
};

}  // namespace tweed::bench
