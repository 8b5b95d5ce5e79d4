#include "apps/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <vector>

namespace tweed::app {
namespace {

std::FILE* said_on = stdout;

constexpr const char *escape = "\x1b[", *plain = "\x1b[0m";

bool begins_character(char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }

// The first byte from i on that belongs to no style.
std::size_t behind_styles(const std::string& text, std::size_t i) {
  while (text.compare(i, 2, escape) == 0) i = std::min(text.find('m', i), text.size() - 1) + 1;
  return i;
}

// The bytes of the first `columns` characters, and of the styles before them.
std::size_t bytes_of(const std::string& text, int columns) {
  std::size_t i = behind_styles(text, 0);
  for (; i < text.size(); i = behind_styles(text, i + 1))
    if (begins_character(text[i]) && columns-- == 0) break;
  return i;
}

std::string shortened(const std::string& text, int columns) {
  const std::size_t end = bytes_of(text, columns);
  return text.substr(0, end) + (end < text.size() && text.find(escape) < end ? plain : "");
}

bool has_colours(std::FILE* stream) {
  const char *terminal = std::getenv("TERM"), *unwanted = std::getenv("NO_COLOR");
  return isatty(fileno(stream)) && terminal && *terminal && std::strcmp(terminal, "dumb") != 0 &&
         !(unwanted && *unwanted);
}

std::string in_style(std::FILE* stream, Style style, const std::string& text) {
  constexpr const char* codes[] = {"0m", "1m", "31m", "32m", "33m"};
  const bool shown = style != Style::plain && !text.empty() && has_colours(stream);
  return shown ? escape + std::string(codes[int(style)]) + text + plain : text;
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

void keep_stdout_for_data() { said_on = stderr; }

bool on_terminal() { return isatty(fileno(said_on)); }

int terminal_width(int stream) {
  constexpr int usual = 80, least = 20;
  if (!isatty(stream)) return 0;
  winsize size{};
  if (::ioctl(stream, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return usual;
  return std::max<int>(least, size.ws_col);
}

std::string styled(Style style, const std::string& text) { return in_style(said_on, style, text); }
std::string styled_error(Style style, const std::string& text) {
  return in_style(stderr, style, text);
}

int columns_of(const std::string& text) {
  int columns = 0;
  for (std::size_t i = behind_styles(text, 0); i < text.size(); i = behind_styles(text, i + 1))
    columns += begins_character(text[i]);
  return columns;
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

static bool silent = false;
void be_silent(bool on) { silent = on; }

void say(const char* format, ...) {
  if (silent) return;
  va_list values;
  va_start(values, format);
  std::fputs(wrapped(formatted(format, values), terminal_width(fileno(said_on))).c_str(), said_on);
  va_end(values);
}

void say_error(const char* format, ...) {
  if (silent) return;
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
    const int room = terminal_width(fileno(said_on)) - 1;
    std::fprintf(said_on, "\r%s\033[K", shortened(text, room).c_str());
    shown_ = true;
    std::fflush(said_on);
  } else if (milestone) {
    std::fprintf(said_on, "%s\n", text.c_str());
    std::fflush(said_on);
  }
}

void ProgressLine::update(const std::string& before, int64_t done, int64_t total,
                          const std::string& after) {
  if (!on_terminal()) return;
  constexpr int widest = 30, narrowest = 5, edges = 4;  // brackets and spaces around the bar
  const int room =
      terminal_width(fileno(said_on)) - 1 - columns_of(before) - columns_of(after) - edges;
  const int width = std::min(room, widest);
  std::string between = " ";
  if (width >= narrowest) {
    const std::string plain_bar = bar(done, total, width);
    const std::size_t end = plain_bar.find_last_of("[#") + 1;
    between =
        " [" + styled(Style::green, plain_bar.substr(1, end - 1)) + plain_bar.substr(end) + " ";
  }
  update(before + between + after, false);
}

void ProgressLine::clear() {
  if (!shown_) return;
  std::fprintf(said_on, "\r\033[K");
  std::fflush(said_on);
  shown_ = false;
}

}  // namespace tweed::app
