// Running a program as a user would.
#pragma once
#include <string>
#include <vector>

namespace tweed {

struct Outcome {
  int code = 0;  ///< exit status, or 128 + signal
  std::string out, err;
  long peak_kilobytes = 0;  ///< of memory
};

/// Runs a program to its end.
Outcome run_program(const std::vector<std::string>& command);

/// The same on a terminal of so many columns, where stdout and stderr are one.
Outcome run_in_terminal(const std::vector<std::string>& command, int columns);

/// A program that runs while the test goes on.
class Running {
 public:
  explicit Running(const std::vector<std::string>& command);
  /// Waits until its stdout contains `text`; false if it ends before.
  bool wait_for(const std::string& text);
  /// The same of its stderr.
  bool wait_for_error(const std::string& text);
  void send(int signal);
  /// Waits for its end.
  Outcome finish();

 private:
  int pid_ = -1, out_ = -1, err_ = -1;
  std::string seen_, seen_errors_;
};

}  // namespace tweed
