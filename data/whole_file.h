// WholeFile: a file that is either there whole or not at all.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace tweed {

/// Writes beside `path`, and commit() puts the result in its place: whoever opens `path`, even
/// after a crash or on a full disk, finds the old content or the new one, never a part. Without
/// commit() the destructor removes what was written. A device such as /dev/stdout is written to
/// directly. Owned by one thread.
class WholeFile {
 public:
  /// @throws Error  "PATH: cannot be written: REASON", as do the functions below
  explicit WholeFile(const std::string& path);
  ~WholeFile();
  WholeFile(const WholeFile&) = delete;
  WholeFile& operator=(const WholeFile&) = delete;

  void write(const void* data, std::size_t bytes);
  void write(std::string_view text) { write(text.data(), text.size()); }
  /// Syncs the bytes, gives them their name, and syncs the folder.
  void commit();

 private:
  std::string path_;
  std::string partial_;
  int file_ = -1;
  bool committed_ = false;
};

/// Writes all bytes to an open file. @throws Error  as WholeFile does, naming `path`
void write_fully(int file, const void* data, std::size_t bytes, const std::string& path);
/// Throws Error("PATH: cannot be written: ...") with errno's reason.
[[noreturn]] void fail_to_write(const std::string& path);

}  // namespace tweed
