#include "data/read_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "kernels/machine/error.h"

namespace tweed {
namespace {

const char* kind_of(mode_t mode) {
  if (S_ISDIR(mode)) return "a folder";
  if (S_ISFIFO(mode)) return "a pipe";
  if (S_ISSOCK(mode)) return "a socket";
  return "a device";
}

}  // namespace

InputFile::InputFile(const std::string& path) : path_(path) {
  // O_NONBLOCK: opening a pipe would wait for a writer.
  file_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  struct stat status;
  if (file_ < 0) fail_to_read();
  if (::fstat(file_, &status) != 0) {
    const int reason = errno;
    ::close(file_);
    errno = reason;
    fail_to_read();
  }
  if (!S_ISREG(status.st_mode)) {
    ::close(file_);
    throw FormatError(path, std::string("cannot be read: it is ") + kind_of(status.st_mode) +
                                ", not a regular file");
  }
  size_ = uint64_t(status.st_size);
}

InputFile::~InputFile() { ::close(file_); }

void InputFile::read(uint64_t offset, void* to, std::size_t bytes) const {
  auto p = static_cast<char*>(to);
  while (bytes > 0) {
    const ssize_t n = ::pread(file_, p, bytes, off_t(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail_to_read();
    if (n == 0) throw FormatError(path_, int64_t(offset), "the file ends here");
    p += n;
    offset += uint64_t(n);
    bytes -= std::size_t(n);
  }
}

std::string InputFile::read_all(uint64_t most) const {
  if (size_ > most)
    throw FormatError(path_, "has " + std::to_string(size_) + " bytes, more than " +
                                 std::to_string(most) + ", the most that is read of such a file");
  std::string text(std::size_t(size_), '\0');
  read(0, text.data(), text.size());
  return text;
}

std::string InputFile::head(std::size_t most) const {
  std::string text(std::size_t(std::min<uint64_t>(most, size_)), '\0');
  read(0, text.data(), text.size());
  return text;
}

std::shared_ptr<const uint8_t> InputFile::map(std::size_t bytes) const {
  if (bytes == 0) return nullptr;
  if (bytes > size_) throw FormatError(path_, int64_t(size_), "the file ends here");
  void* const memory = ::mmap(nullptr, bytes, PROT_READ, MAP_SHARED, file_, 0);
  if (memory == MAP_FAILED) fail_to_read();
  return {static_cast<const uint8_t*>(memory),
          [bytes](const uint8_t* p) { ::munmap(const_cast<uint8_t*>(p), bytes); }};
}

void InputFile::fail_to_read() const {
  throw FormatError(path_, std::string("cannot be read: ") + std::strerror(errno));
}

std::string_view without_byte_order_mark(std::string_view text) {
  constexpr std::string_view mark = "\xEF\xBB\xBF";
  if (text.starts_with(mark)) text.remove_prefix(mark.size());
  return text;
}

std::string read_file(const std::string& path, uint64_t most) {
  return InputFile(path).read_all(most);
}

}  // namespace tweed
