#include "data/class_names.h"

#include <nlohmann/json.hpp>
#include <string_view>

#include "data/file_kind.h"
#include "data/parse_json.h"
#include "data/read_file.h"
#include "kernels/machine/error.h"

namespace tweed {
namespace {

// Only text has lines; what a file of another kind would give are the wrong names.
void check_kind(const std::string& path, std::string_view text) {
  const FileKind kind = file_kind(text.substr(0, 512));
  // A name may look like the beginning of an image, and a file in Latin-1 is told by its line.
  const bool binary = text.find('\0') != std::string_view::npos;
  // "[misc]" on a first line is a name; a whole file of JSON is not.
  const bool no_names = kind == FileKind::empty || kind == FileKind::utf16 ||
                        kind == FileKind::html || kind == FileKind::lfs_pointer ||
                        (kind == FileKind::json && try_parse_json(text, 8));
  if (!binary && !no_names) return;
  const std::string what = description(kind);
  throw FormatError(
      path, "is no list of names, one a line, in UTF-8" + (what.empty() ? "" : ": it is " + what));
}

bool is_blank(std::string_view line) {
  return line.find_first_not_of(" \t\r") == std::string_view::npos;
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    while (line.ends_with('\r')) line.remove_suffix(1);
    lines.push_back(line);
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  while (!lines.empty() && is_blank(lines.back())) lines.pop_back();
  return lines;
}

}  // namespace

std::vector<std::string> read_class_names(const std::string& path) {
  const std::string content = read_file(path, most_text_bytes);
  check_kind(path, content);
  std::vector<std::string> names;
  for (std::string_view line : lines_of(without_byte_order_mark(content))) {
    const auto fail = [&](const std::string& what) {
      throw FormatError(path, "line " + std::to_string(names.size() + 1) + " " + what);
    };
    if (is_blank(line)) fail("is blank");
    if (!is_utf8(line)) fail("is not UTF-8: " + in_quotes(line, 60));
    names.emplace_back(line);
  }
  if (names.empty()) throw FormatError(path, "names no class");
  return names;
}

}  // namespace tweed
