// What is printed, to a terminal and to a pipe.
#pragma once
#include <cstdint>
#include <string>

namespace tweed::app {

/// Whether stdout is a terminal, where a line may be rewritten.
bool on_terminal();
/// Columns of the terminal that a stream (STDOUT_FILENO, STDERR_FILENO) is; 0 if it is none.
int terminal_width(int stream = 1);

/// Columns that a text takes: its characters, whatever bytes they have.
int columns_of(const std::string& text);
/// The text in lines of at most `width` columns, broken between words, or within one that is wider
/// than a line; all lines but the first are indented. No width, no breaks.
std::string wrapped(const std::string& text, int width, int indent = 2);

/// Prints as std::printf does; on a terminal no line is wider than it.
[[gnu::format(printf, 1, 2)]] void say(const char* format, ...);

/// The same on stderr.
[[gnu::format(printf, 1, 2)]] void say_error(const char* format, ...);

/// "[######......]"
std::string bar(int64_t done, int64_t total, int width);

/// A line that is rewritten on a terminal, cut to its width; elsewhere only every `update` that
/// says it is a milestone is printed.
class ProgressLine {
 public:
  void update(const std::string& text, bool milestone);
  /// The same with a bar between two texts, as wide as there is room for. Printed on terminals.
  void update(const std::string& before, int64_t done, int64_t total, const std::string& after);
  /// Removes the line from a terminal.
  void clear();

 private:
  bool shown_ = false;
};

}  // namespace tweed::app
