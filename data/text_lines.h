// Lists as people write them: text files of lines.
#pragma once
#include <string>
#include <vector>

#include "kernels/machine/error.h"

namespace tweed {

/// A line that is not blank, without the white space at its end.
struct TextLine {
  int64_t number = 0;  ///< from 1
  std::string text;
};

/// The lines of a text file of at most most_text_bytes, ended by `\n` or `\r\n`, after a byte
/// order mark or none. The bytes may be in any encoding that keeps ASCII.
/// @throws FormatError  if it cannot be read, or is no such text: UTF-16, an archive, an image
std::vector<TextLine> read_lines(const std::string& path);

/// "FILE: line 3: WHAT"
FormatError line_error(const std::string& file, int64_t number, const std::string& what);

}  // namespace tweed
