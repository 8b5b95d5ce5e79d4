#include "kernels/machine/printable.h"

#include <array>
#include <cstdarg>
#include <cstdint>
#include <cstdio>

namespace tweed {
namespace {

struct Character {
  uint32_t code = 0;
  std::size_t bytes = 0;  // 0: not UTF-8
};

// The character that begins at text[0].
Character first_character(std::string_view text) {
  const auto byte = [&](std::size_t i) { return uint32_t(uint8_t(text[i])); };
  const uint32_t first = byte(0);
  if (first < 0x80) return {first, 1};
  const std::size_t bytes = first >> 5 == 6 ? 2 : first >> 4 == 14 ? 3 : first >> 3 == 30 ? 4 : 0;
  if (bytes == 0 || text.size() < bytes) return {};
  uint32_t code = first & (0x7Fu >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    if (byte(i) >> 6 != 2) return {};
    code = code << 6 | (byte(i) & 63);
  }
  constexpr std::array<uint32_t, 5> least{0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
  if (code < least[bytes] || surrogate || code > 0x10FFFF) return {};
  return {code, bytes};
}

bool between(uint32_t code, uint32_t from, uint32_t to) { return code >= from && code <= to; }

// Characters that are acted upon and not shown: controls, line and paragraph separators, zero-width
// and bidirectional marks, the byte order mark, tags.
bool is_invisible(uint32_t code) {
  return code < 0x20 || between(code, 0x7F, 0x9F) || between(code, 0x200B, 0x200F) ||
         between(code, 0x2028, 0x202E) || between(code, 0x2060, 0x206F) || code == 0xFEFF ||
         code == 0xAD || code == 0x61C || between(code, 0xFFF9, 0xFFFB) ||
         between(code, 0xE0000, 0xE007F);
}

std::string escaped(uint32_t code) {
  if (code == '\n') return "\\n";
  if (code == '\r') return "\\r";
  if (code == '\t') return "\\t";
  char text[16];
  std::snprintf(text, sizeof text, code < 0x80 ? "\\x%02x" : "\\u{%x}", code);
  return text;
}

std::string escaped_byte(char byte) {
  char text[8];
  std::snprintf(text, sizeof text, "\\x%02x", unsigned(uint8_t(byte)));
  return text;
}

std::string escape_all(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Character c = first_character(text);
    const std::size_t bytes = c.bytes ? c.bytes : 1;
    if (c.bytes == 0)
      out += escaped_byte(text[0]);
    else if (is_invisible(c.code))
      out += escaped(c.code);
    else
      out += text.substr(0, bytes);
    text.remove_prefix(bytes);
  }
  return out;
}

bool continues_character(char byte) { return (uint8_t(byte) & 0xC0) == 0x80; }

}  // namespace

std::string printable(std::string_view text, std::size_t most) {
  if (text.size() <= most) return escape_all(text);
  // Whole characters on both sides of the cut.
  std::size_t head = most * 2 / 3, tail = text.size() - most / 3;
  while (head > 0 && continues_character(text[head])) --head;
  while (tail < text.size() && continues_character(text[tail])) ++tail;
  return escape_all(text.substr(0, head)) + "[... " + std::to_string(tail - head) + " bytes ...]" +
         escape_all(text.substr(tail));
}

std::string in_quotes(std::string_view text, std::size_t most) {
  std::string out = "'";  // '"a" + string' draws a false warning from g++ 12
  return out += printable(text, most) + "'";
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const Character c = first_character(text);
    if (c.bytes == 0) return false;
    text.remove_prefix(c.bytes);
  }
  return true;
}

std::string formatted(const char* format, ...) {
  char text[400];
  va_list values;
  va_start(values, format);
  std::vsnprintf(text, sizeof text, format, values);
  va_end(values);
  return text;
}

}  // namespace tweed
