#include "apps/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <sstream>
#include <vector>

namespace tweed::app {
namespace {

bool begins_character(char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }

// The bytes of the first `columns` characters.
std::size_t bytes_of(const std::string& text, int columns) {
  std::size_t i = 0;
  for (; i < text.size(); ++i)
    if (begins_character(text[i]) && columns-- == 0) break;
  return i;
}

std::string shortened(const std::string& text, int columns) {
  return text.substr(0, bytes_of(text, columns));
}

std::string wrapped_line(std::string text, int width, int indent) {
  if (width <= 2 * indent) indent = 0;
  std::string result;
  for (std::string margin; columns_of(margin + text) > width;) {
    const std::size_t room = bytes_of(text, width - int(margin.size()));
    std::size_t end = text.rfind(' ', room);
    if (end == std::string::npos || text.find_first_not_of(' ') >= end) end = room;
    result += margin + text.substr(0, end) + "\n";
    text.erase(0, std::min(text.find_first_not_of(' ', end), text.size()));
    margin.assign(std::size_t(indent), ' ');
    if (columns_of(margin + text) <= width) return result + margin + text;
  }
  return result + text;
}

}  // namespace

bool on_terminal() {
  static const bool answer = isatty(STDOUT_FILENO);
  return answer;
}

int terminal_width(int stream) {
  constexpr int usual = 80, least = 20;
  if (!isatty(stream)) return 0;
  winsize size{};
  if (::ioctl(stream, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return usual;
  return std::max<int>(least, size.ws_col);
}

int columns_of(const std::string& text) {
  return int(std::count_if(text.begin(), text.end(), begins_character));
}

std::string wrapped(const std::string& text, int width, int indent) {
  if (width <= 0) return text;
  std::istringstream lines(text);
  std::string result;
  for (std::string line; std::getline(lines, line);) {
    result += wrapped_line(line, width, indent);
    if (!lines.eof()) result += "\n";
  }
  return result;
}

static std::string formatted(const char* format, va_list values) {
  va_list again;
  va_copy(again, values);
  std::string text(std::size_t(std::max(0, std::vsnprintf(nullptr, 0, format, values))), '\0');
  std::vsnprintf(text.data(), text.size() + 1, format, again);
  va_end(again);
  return text;
}

void say(const char* format, ...) {
  va_list values;
  va_start(values, format);
  std::fputs(wrapped(formatted(format, values), terminal_width(STDOUT_FILENO)).c_str(), stdout);
  va_end(values);
}

void say_error(const char* format, ...) {
  va_list values;
  va_start(values, format);
  std::fputs(wrapped(formatted(format, values), terminal_width(STDERR_FILENO)).c_str(), stderr);
  va_end(values);
}

std::string bar(int64_t done, int64_t total, int width) {
  const double part = double(done) / double(std::max<int64_t>(1, total));
  const int filled = std::clamp(int(double(width) * part), 0, width);
  return "[" + std::string(std::size_t(filled), '#') +
         std::string(std::size_t(width - filled), '.') + "]";
}

// The last column stays empty: a character there moves the cursor to the next line.
void ProgressLine::update(const std::string& text, bool milestone) {
  if (on_terminal()) {
    std::printf("\r%s\033[K", shortened(text, terminal_width() - 1).c_str());
    shown_ = true;
    std::fflush(stdout);
  } else if (milestone) {
    std::printf("%s\n", text.c_str());
    std::fflush(stdout);
  }
}

void ProgressLine::update(const std::string& before, int64_t done, int64_t total,
                          const std::string& after) {
  if (!on_terminal()) return;
  constexpr int widest = 30, narrowest = 5, edges = 4;  // brackets and spaces around the bar
  const int room = terminal_width() - 1 - columns_of(before) - columns_of(after) - edges;
  const int width = std::min(room, widest);
  update(width < narrowest ? before + " " + after
                           : before + " " + bar(done, total, width) + " " + after,
         false);
}

void ProgressLine::clear() {
  if (!shown_) return;
  std::printf("\r\033[K");
  shown_ = false;
}

}  // namespace tweed::app
