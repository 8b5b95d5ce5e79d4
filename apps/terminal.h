// What is printed, to a terminal and to a pipe.
#pragma once
#include <cstdint>
#include <string>

namespace tweed::app {

/// From now on everything that is said goes to stderr: stdout is for data, as --json prints them.
void keep_stdout_for_data();

/// From now on say() and say_error() say nothing, or again something.
void be_silent(bool on);

/// Whether what is said goes to a terminal, where a line may be rewritten.
bool on_terminal();
/// Columns of the terminal that a stream (STDOUT_FILENO, STDERR_FILENO) is; 0 if it is none.
int terminal_width(int stream = 1);

/// How a part of a text stands out.
enum class Style { plain, bold, red, green, yellow };
/// The text in that style, if say() prints on a terminal that has colours: TERM says which it is
/// and not "dumb", and NO_COLOR is empty (https://no-color.org). Else the text.
std::string styled(Style style, const std::string& text);
/// The same for say_error().
std::string styled_error(Style style, const std::string& text);

/// Columns that a text takes: its characters, whatever bytes they have; styles take none.
int columns_of(const std::string& text);
/// The text in lines of at most `width` columns, broken between words, or within one that is wider
/// than a line; all lines but the first are indented. No width, no breaks.
std::string wrapped(const std::string& text, int width, int indent = 2);

/// Prints on stdout as std::printf does; on a terminal no line is wider than it.
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
