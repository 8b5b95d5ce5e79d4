// WholeFile: a file that is either there whole or not at all.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace tweed {

/// Writes beside `path`, and commit() puts the result in its place: whoever opens `path`, even
/// after a crash or on a full disk, finds the old content or the new one, never a part. Without
/// commit() the destructor removes what was written. Owned by one thread.
///
/// Any number of writers may write one path at the same time: each has a file of its own
/// (PATH.partial, PATH.partial.1, ...), and the last to commit wins. Such a file is locked while it
/// is written, so that the next writer can tell, and removes, what a killed one has left. A
/// symbolic link at `path` is replaced by the file, what it points to stays as it is; one in place
/// of PATH.partial is not followed. A device, a pipe that is read from, and what stands in /dev or
/// /proc, such as /dev/stdout, is written to directly.
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
  /// @param synced  false: for what can be made again. It waits for no disk, and a loss of power,
  ///                not the end of the program, may leave the file empty or old.
  void commit(bool synced = true);

 private:
  std::string path_;
  std::string partial_;  // empty: written to directly
  int file_ = -1;
};

/// Writes all bytes to an open file. @throws Error  as WholeFile does, naming `path`
void write_fully(int file, const void* data, std::size_t bytes, const std::string& path);
/// Throws Error("PATH: cannot be written: ...") with errno's reason.
[[noreturn]] void fail_to_write(const std::string& path);

}  // namespace tweed
