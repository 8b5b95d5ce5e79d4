#include "apps/run_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "kernels/machine/error.h"

namespace tweed::app {
namespace {

namespace fs = std::filesystem;

struct InUse : Error {
  using Error::Error;
};

// Who has locked the file wrote its number there.
std::string owner(int file) {
  char digits[24] = "";
  const ssize_t n = ::pread(file, digits, sizeof digits - 1, 0);
  const std::string text(digits, std::size_t(std::max<ssize_t>(0, n)));
  const std::string number = text.substr(0, text.find_first_not_of("0123456789"));
  return number.empty() ? "another process" : "process " + number;
}

[[noreturn]] void fail(const std::string& path, const char* what) {
  throw Error(printable(path) + ": " + what + ": " + std::strerror(errno));
}

// Not so if the process that had the lock has removed the file meanwhile.
bool is_still_there(int file, const std::string& folder) {
  struct stat here {
  }, there{};
  return ::fstat(file, &here) == 0 &&
         ::stat((folder + "/" + run_file::lock).c_str(), &there) == 0 &&
         here.st_dev == there.st_dev && here.st_ino == there.st_ino;
}

bool is_empty_but_for_lock(const std::string& folder) {
  std::error_code none;
  for (auto& entry : fs::directory_iterator(folder, none))
    if (entry.path().filename() != run_file::lock) return false;
  return !none;
}

int open_lock(const std::string& folder) {
  const int file = ::open((folder + "/" + run_file::lock).c_str(),
                          O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0666);
  if (file < 0) fail(folder, "cannot be written to");
  struct stat about {};
  if (::fstat(file, &about) == 0 && S_ISREG(about.st_mode)) return file;
  ::close(file);
  throw Error(printable(folder) + "/.lock is no file");
}

}  // namespace

// A file system without locks is written to without one.
RunFolder::RunFolder(const std::string& path) : path_(path) {
  std::error_code error;
  for (bool ours = false; !ours;) {
    made_ = fs::create_directories(path, error) || made_;
    if (error) throw Error(printable(path) + ": cannot be created: " + error.message());
    lock_ = open_lock(path);
    if (::flock(lock_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
      const std::string who = owner(lock_);
      ::close(lock_);
      throw InUse(printable(path) + ": " + who + " is training there; --out names another folder");
    }
    ours = is_still_there(lock_, path);
    if (!ours) ::close(lock_);
  }
  const std::string number = std::to_string(::getpid()) + "\n";
  if (::ftruncate(lock_, 0) != 0 ||
      ::pwrite(lock_, number.data(), number.size(), 0) != ssize_t(number.size())) {
    ::close(lock_);
    fail(path, "cannot be written to");
  }
}

RunFolder::~RunFolder() {
  std::error_code none;
  if (is_empty_but_for_lock(path_)) {
    fs::remove(path_ + "/" + run_file::lock, none);
    if (made_) fs::remove(path_, none);  // not if another process has put something there
  }
  ::close(lock_);
}

bool holds_run(const std::string& folder) {
  std::error_code none;
  const auto size = fs::file_size(folder + "/" + run_file::metrics, none);
  if (!none && size > 0) return true;
  return fs::exists(folder + "/" + run_file::last, none) ||
         fs::exists(folder + "/" + run_file::best, none);
}

bool same_folder(const std::string& a, const std::string& b) {
  std::error_code none;
  return a == b || fs::equivalent(a, b, none);
}

std::string weights_file(const std::string& path) {
  std::error_code none;
  if (!fs::is_directory(path, none)) return path;
  const std::string best = path + "/" + run_file::best, last = path + "/" + run_file::last;
  return !fs::exists(best, none) && fs::exists(last, none) ? last : best;
}

namespace {

// Asks before locking, so that another's folder is not touched, and after it.
std::shared_ptr<RunFolder> open_given(const FolderWish& wish, const std::string& out) {
  auto check = [&] {
    if (wish.overwrite || !holds_run(out)) return;
    if (!wish.resumed.empty() && same_folder(out, wish.resumed)) return;
    throw Error(printable(out) + " holds another run: go on with it by --resume " + printable(out) +
                "/" + run_file::last + ", replace it with --overwrite, or name another --out");
  };
  check();
  auto folder = std::make_shared<RunFolder>(out);
  check();
  return folder;
}

// Null if another run is there, ended or not.
std::shared_ptr<RunFolder> open_if_free(const std::string& out) {
  if (holds_run(out)) return nullptr;
  try {
    auto folder = std::make_shared<RunFolder>(out);
    return holds_run(out) ? nullptr : folder;
  } catch (const InUse&) {
    return nullptr;
  }
}

}  // namespace

std::shared_ptr<RunFolder> open_run_folder(const FolderWish& wish) {
  if (wish.given || (wish.overwrite && wish.resumed.empty())) return open_given(wish, wish.out);
  if (!wish.resumed.empty()) return open_given(wish, wish.resumed);
  if (auto folder = open_if_free(wish.out)) return folder;
  for (int i = 2; i < 10'000; ++i)
    if (auto folder = open_if_free(wish.out + "-" + std::to_string(i))) return folder;
  throw Error(printable(wish.out) + " and all of its successors hold runs; name one by --out");
}

}  // namespace tweed::app
