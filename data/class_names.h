// Class names from a file of one name a line.
#pragma once
#include <string>
#include <vector>

namespace tweed {

/// The lines of a text file in UTF-8, in order. A byte order mark, CR before the line's end, and
/// blank lines at the end are left out.
/// @throws FormatError  naming the line that is blank or no UTF-8, or saying what the file is
///                      instead of text
std::vector<std::string> read_class_names(const std::string& path);

}  // namespace tweed
