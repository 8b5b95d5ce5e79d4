// Reading files whose content and kind cannot be trusted.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace tweed {

/// A regular file, open for reading. A FIFO, a device or a folder in its place is refused at once
/// instead of being waited for or read without end. Reading may be done from several threads.
class InputFile {
 public:
  /// @throws FormatError  "PATH: cannot be read: REASON", naming what is there instead of a file
  explicit InputFile(const std::string& path);
  ~InputFile();
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  uint64_t size() const { return size_; }  ///< bytes, when it was opened
  const std::string& path() const { return path_; }

  /// Reads bytes [offset, offset + bytes).
  /// @throws FormatError  with the byte where the file ends before that
  void read(uint64_t offset, void* to, std::size_t bytes) const;
  /// The whole file. @throws FormatError  also if it has more than `most` bytes
  std::string read_all(uint64_t most) const;
  /// Its first bytes, mapped into memory as long as the pointer lives: they are read when they are
  /// looked at. The file should be one that nobody cuts short meanwhile. Null for no bytes.
  std::shared_ptr<const uint8_t> map(std::size_t bytes) const;
  /// Its first bytes, at most `most`: for finding out what it is.
  std::string head(std::size_t most) const;

 private:
  [[noreturn]] void fail_to_read() const;
  std::string path_;
  int file_ = -1;
  uint64_t size_ = 0;
};

/// `text` without the three bytes that some editors put before UTF-8.
std::string_view without_byte_order_mark(std::string_view text);

/// The content of a regular file of at most `most` bytes. @throws FormatError
std::string read_file(const std::string& path, uint64_t most);

/// What the files of lists, names and descriptions may take: 64 MiB, some hundred times a large
/// data set's.
constexpr uint64_t most_text_bytes = uint64_t(64) << 20;

}  // namespace tweed
