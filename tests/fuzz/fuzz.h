// What the fuzz targets share: files from bytes, and what every error has to be like.
#pragma once
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "data/whole_file.h"
#include "kernels/machine/error.h"

namespace tweed::fuzz {

/// A file in memory with the given content. It has a path for as long as it lives.
class MemoryFile {
 public:
  explicit MemoryFile(std::string_view content) : file_(memfd_create("fuzz", MFD_CLOEXEC)) {
    write_fully(file_, content.data(), content.size(), path());
  }
  ~MemoryFile() { close(file_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  std::string path() const { return "/proc/self/fd/" + std::to_string(file_); }

 private:
  int file_;
};

/// Writes a file in memory, below the process's own folder. @return its path
inline std::string put(const std::string& name, std::string_view content) {
  static const std::string folder = [] {
    std::string pattern = "/dev/shm/tweed_fuzz_XXXXXX";
    if (!mkdtemp(pattern.data())) abort();
    return pattern;
  }();
  const std::string path = folder + "/" + name;
  FILE* file = std::fopen(path.c_str(), "wb");
  if (!file) abort();
  std::fwrite(content.data(), 1, content.size(), file);
  std::fclose(file);
  return path;
}

/// Takes the text up to the next `separator`, and that, off `rest`.
inline std::string_view take_part(std::string_view& rest, char separator = '\f') {
  const std::size_t end = rest.find(separator);
  const std::string_view part = rest.substr(0, end);
  rest.remove_prefix(end == rest.npos ? rest.size() : end + 1);
  return part;
}

/// Reads, and lets only the library's own exceptions pass, with messages that fit on a terminal.
template <class F>
void expect_value_or_error(F read) {
  try {
    read();
  } catch (const Error& e) {
    const std::string_view what = e.what();
    bool plain = is_utf8(what) && what.size() < 3000;
    for (unsigned char c : what) plain = plain && c >= 0x20 && c != 0x7F;
    if (plain) return;
    std::fprintf(stderr, "A message of %zu bytes: %s\n", what.size(),
                 printable(what, 3000).c_str());
    abort();
  }
}

}  // namespace tweed::fuzz

/// The bytes of one run as text.
inline std::string_view text_of(const uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}
