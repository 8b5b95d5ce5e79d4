#include "data/text_lines.h"

#include <cctype>

#include "data/file_kind.h"
#include "data/read_file.h"

namespace tweed {
namespace {

// Text in an encoding other than UTF-8 is of unknown kind.
bool may_be_lines(FileKind kind) {
  return kind == FileKind::unknown || kind == FileKind::empty || kind == FileKind::text ||
         kind == FileKind::utf8_bom || kind == FileKind::json;
}

std::string trimmed_end(std::string_view text) {
  while (!text.empty() && std::isspace(uint8_t(text.back()))) text.remove_suffix(1);
  return std::string(text);
}

}  // namespace

std::vector<TextLine> read_lines(const std::string& path) {
  const std::string bytes = read_file(path, most_text_bytes);
  const FileKind kind = file_kind(std::string_view(bytes).substr(0, 512));
  if (!may_be_lines(kind))
    throw FormatError(path, std::string("is no list in UTF-8: it is ") + description(kind) +
                                (kind == FileKind::utf16 ? "; save it as UTF-8" : ""));
  std::string_view rest = without_byte_order_mark(bytes);
  std::vector<TextLine> lines;
  for (int64_t number = 1; !rest.empty(); ++number) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    std::string text = trimmed_end(rest.substr(0, end));
    if (!text.empty()) lines.push_back({number, std::move(text)});
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return lines;
}

FormatError line_error(const std::string& file, int64_t number, const std::string& what) {
  return FormatError(file, "line " + std::to_string(number) + ": " + what);
}

}  // namespace tweed
