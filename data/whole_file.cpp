#include "data/whole_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "kernels/machine/error.h"

namespace tweed {

void write_fully(int file, const void* data, std::size_t bytes, const std::string& path) {
  auto p = static_cast<const char*>(data);
  while (bytes > 0) {
    ssize_t n = ::write(file, p, bytes);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail_to_write(path);
    p += n;
    bytes -= std::size_t(n);
  }
}

void fail_to_write(const std::string& path) {
  throw Error(path + ": cannot be written: " + std::strerror(errno));
}

namespace {
void sync_folder_of(const std::string& path) {
  std::string folder = std::filesystem::path(path).parent_path();
  int f = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (f < 0) return;  // not readable: the rename holds, but may be lost with the power
  ::fsync(f);
  ::close(f);
}

// A device such as /dev/stdout is written to; renaming over it would remove it.
bool can_be_replaced(const std::string& path) {
  std::error_code none;
  auto status = std::filesystem::status(path, none);
  return !std::filesystem::exists(status) || std::filesystem::is_regular_file(status);
}
}  // namespace

WholeFile::WholeFile(const std::string& path)
    : path_(path), partial_(can_be_replaced(path) ? path + ".partial" : path) {
  file_ = ::open(partial_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (file_ < 0) fail_to_write(path_);
}

WholeFile::~WholeFile() {
  if (file_ >= 0) ::close(file_);
  if (!committed_ && partial_ != path_) ::unlink(partial_.c_str());
}

void WholeFile::write(const void* data, std::size_t bytes) {
  write_fully(file_, data, bytes, path_);
}

void WholeFile::commit() {
  if (::fsync(file_) != 0 && partial_ != path_) fail_to_write(path_);
  int closed = ::close(file_);
  file_ = -1;
  if (closed != 0) fail_to_write(path_);
  if (partial_ != path_ && std::rename(partial_.c_str(), path_.c_str()) != 0) fail_to_write(path_);
  committed_ = true;
  sync_folder_of(path_);
}

}  // namespace tweed
