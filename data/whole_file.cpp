#include "data/whole_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
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
  throw Error(printable(path) + ": cannot be written: " + std::strerror(errno));
}

namespace {

// Only so many writers of one path at a time.
constexpr int most_partials = 100;

void sync_folder_of(const std::string& path) {
  std::string folder = std::filesystem::path(path).parent_path();
  int f = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (f < 0) return;  // not readable: the rename holds, but may be lost with the power
  ::fsync(f);
  ::close(f);
}

// Renaming over a device such as /dev/stdout would remove it.
bool can_be_replaced(const std::string& path) {
  if (path.starts_with("/proc/")) return false;
  if (path.starts_with("/dev/") && !path.starts_with("/dev/shm/")) return false;
  struct stat there;
  return ::stat(path.c_str(), &there) != 0 || S_ISREG(there.st_mode);
}

// Whether `path`, links not followed, is the open file.
bool is_at(int file, const std::string& path) {
  struct stat open, there;
  return ::fstat(file, &open) == 0 && ::lstat(path.c_str(), &there) == 0 &&
         open.st_dev == there.st_dev && open.st_ino == there.st_ino;
}

bool lock(int file) { return ::flock(file, LOCK_EX | LOCK_NB) == 0; }

// Removes a file that its writer can no longer finish: it is unlocked. Nobody but who holds the
// lock removes or renames it, so what is looked at is what is removed. Returns whether it is gone.
bool remove_abandoned(const std::string& partial) {
  const int file = ::open(partial.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (file < 0) return errno == ENOENT;
  struct stat status;
  const bool abandoned = ::fstat(file, &status) == 0 && S_ISREG(status.st_mode) && lock(file);
  const bool gone = abandoned && is_at(file, partial) && ::unlink(partial.c_str()) == 0;
  ::close(file);
  return gone || (abandoned && ::access(partial.c_str(), F_OK) != 0);
}

// A new file called `partial`, locked; -1 with errno. EEXIST: another writer's.
int create_partial(const std::string& partial) {
  const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  int file = ::open(partial.c_str(), flags, 0666);
  if (file < 0 && errno != EEXIST) return -1;
  if (file < 0 && remove_abandoned(partial)) file = ::open(partial.c_str(), flags, 0666);
  if (file >= 0) {
    // Until it was locked it looked abandoned to others. Where files cannot be locked, none does.
    const bool taken = !lock(file) && errno == EWOULDBLOCK;
    if (!taken && is_at(file, partial)) return file;
    ::close(file);
  }
  errno = EEXIST;
  return -1;
}

int open_directly(const std::string& path) {
  // O_NONBLOCK: opening a pipe would wait for a reader. O_APPEND: what /dev/stdout already has.
  const int file = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (file >= 0) ::fcntl(file, F_SETFL, ::fcntl(file, F_GETFL) & ~O_NONBLOCK);
  return file;
}

}  // namespace

WholeFile::WholeFile(const std::string& path) : path_(path) {
  if (!can_be_replaced(path)) {
    file_ = open_directly(path);
  } else {
    for (int i = 0; file_ < 0 && i < most_partials; ++i) {
      partial_ = path + ".partial";
      if (i > 0) partial_.append(".").append(std::to_string(i));
      file_ = create_partial(partial_);
      if (file_ < 0 && errno != EEXIST) break;
    }
  }
  if (file_ < 0) fail_to_write(path_);
}

WholeFile::~WholeFile() {
  if (file_ < 0) return;
  if (!partial_.empty()) ::unlink(partial_.c_str());  // while it is locked
  ::close(file_);
}

void WholeFile::write(const void* data, std::size_t bytes) {
  write_fully(file_, data, bytes, path_);
}

void WholeFile::commit(bool synced) {
  const bool replaces = !partial_.empty();
  if (synced && ::fsync(file_) != 0 && replaces) fail_to_write(path_);
  if (replaces && std::rename(partial_.c_str(), path_.c_str()) != 0) fail_to_write(path_);
  partial_.clear();
  const int closed = ::close(file_);
  file_ = -1;
  if (closed != 0) fail_to_write(path_);
  if (synced) sync_folder_of(path_);
}

}  // namespace tweed
