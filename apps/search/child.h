// Other programs, started and waited for.
#pragma once
#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace tweed::app {

/// A program that runs beside this one, and is asked to end (SIGTERM) where this one dies.
class Child {
 public:
  /// @param command  the program's path first
  /// @param log      a file for what it prints, made anew; empty: it prints where this program does
  /// @throws Error  if it cannot be started or the file cannot be written
  explicit Child(const std::vector<std::string>& command, const std::string& log = "");
  Child(Child&& other) noexcept : pid_(other.pid_) { other.pid_ = -1; }
  Child& operator=(Child&& other) noexcept {
    std::swap(pid_, other.pid_);
    return *this;
  }

  /// Its exit code, 128 + signal if one ended it; nothing while it runs.
  std::optional<int> ended();
  void send(int signal) const;

 private:
  pid_t pid_ = -1;
};

/// Runs a program to its end. Returns its exit code. @param output  what it printed, both streams
int run_quietly(const std::vector<std::string>& command, std::string& output);

/// The path of a program beside the one that runs.
std::string program_beside(const std::string& name);

}  // namespace tweed::app
