// Files that may be compressed by gzip.
#pragma once
#include <cstdint>
#include <string>

namespace tweed {

/// The content of a file, unpacked if it is one of gzip, whatever its name.
/// @param most  bytes of content that are taken; a small file can unpack to gigabytes
/// @throws FormatError  if it cannot be read, is damaged or has more
std::string read_maybe_gzipped(const std::string& path, uint64_t most);

}  // namespace tweed
