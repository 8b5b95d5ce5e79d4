#include "apps/run_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "data/read_file.h"
#include "data/whole_file.h"
#include "kernels/machine/error.h"
#include "record/event_file.h"

namespace tweed::app {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t most_state_bytes = uint64_t(1) << 40;

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

// A number, or nothing.
bool is_ours(int file) {
  char text[24] = "";
  const ssize_t n = ::pread(file, text, sizeof text - 1, 0);
  return n >= 0 &&
         std::string(text, std::size_t(n)).find_first_not_of("0123456789\n") == std::string::npos;
}

[[noreturn]] void fail(const std::string& path, const char* what) {
  throw Error(printable(path) + ": " + what + ": " + std::strerror(errno));
}

// Not so if the process that had the lock has removed the file meanwhile.
bool is_still_there(int file, const std::string& path) {
  struct stat here {
  }, there{};
  return ::fstat(file, &here) == 0 && ::stat(path.c_str(), &there) == 0 &&
         here.st_dev == there.st_dev && here.st_ino == there.st_ino;
}

// The folders on the way to one that are not there yet, the innermost first.
std::vector<std::string> missing_folders(const fs::path& path) {
  std::vector<std::string> missing;
  std::error_code none;
  for (fs::path at = path; !at.empty() && !fs::exists(at, none); at = at.parent_path())
    missing.push_back(at.string());
  return missing;
}

// Without the slash or dot at its end that would be a folder of its own in the list above.
std::string without_end(const std::string& path) {
  fs::path normal = fs::path(path).lexically_normal();
  if (!normal.has_filename() && normal.has_relative_path()) normal = normal.parent_path();
  return normal.string();
}

}  // namespace

// A file system without locks is written to without one.
RunFolder::RunFolder(const std::string& path)
    : path_(path),
      lock_path_(path + "/" + run_file::lock),
      made_(missing_folders(without_end(path))) {
  try {
    while (!take_lock()) continue;
  } catch (...) {
    leave();
    throw;
  }
}

std::shared_ptr<RunFolder> RunFolder::of_leader(const std::string& path) {
  std::shared_ptr<RunFolder> folder(new RunFolder());
  folder->path_ = path;
  return folder;
}

// False if the file went away meanwhile.
bool RunFolder::take_lock() {
  std::error_code error;
  fs::create_directories(path_, error);
  if (error) throw Error(printable(path_) + ": cannot be created: " + error.message());
  constexpr int flags = O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
  lock_ = ::open(lock_path_.c_str(), flags | O_EXCL, 0666);
  made_lock_ = lock_ >= 0;
  if (lock_ < 0) lock_ = ::open(lock_path_.c_str(), flags, 0666);
  if (lock_ < 0) fail(path_, "cannot be written to");
  struct stat about {};
  if (::fstat(lock_, &about) != 0 || !S_ISREG(about.st_mode) || !is_ours(lock_))
    throw Error(printable(lock_path_) + " is not the lock of a run");
  if (::flock(lock_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
    throw InUse(printable(path_) + ": " + owner(lock_) +
                " is training there; --out names another folder");
  if (!is_still_there(lock_, lock_path_)) {
    ::close(lock_);
    return false;
  }
  locked_ = true;
  const std::string number = std::to_string(::getpid()) + "\n";
  if (::ftruncate(lock_, 0) != 0 ||
      ::pwrite(lock_, number.data(), number.size(), 0) != ssize_t(number.size()))
    fail(path_, "cannot be written to");
  return true;
}

RunFolder::~RunFolder() { leave(); }

// The folders go only as far as they are empty.
void RunFolder::leave() {
  std::error_code none;
  const bool useless = !holds_run(path_) && !fs::exists(path_ + "/" + run_file::state, none);
  if (useless && made_lock_ && locked_) fs::remove(lock_path_, none);
  if (lock_ >= 0) ::close(lock_);
  if (useless && locked_)
    for (auto& folder : made_)
      if (!fs::remove(folder, none)) break;
}

std::string kept_state(int64_t epoch) {
  return "epoch-" + std::to_string(epoch) + ".state.safetensors";
}

std::vector<int64_t> kept_epochs(const std::string& folder) {
  std::vector<int64_t> epochs;
  std::error_code none;
  for (auto& entry : fs::directory_iterator(folder, none)) {
    const std::string name = entry.path().filename().string();
    const int64_t epoch = name.starts_with("epoch-") ? std::atoll(name.c_str() + 6) : 0;
    if (epoch > 0 && name == kept_state(epoch)) epochs.push_back(epoch);
  }
  std::sort(epochs.begin(), epochs.end());
  return epochs;
}

void keep_as(const std::string& from, const std::string& to) {
  const std::string partial = to + ".partial";
  std::error_code error;
  fs::remove(partial, error);
  fs::create_hard_link(from, partial, error);
  if (!error) {
    if (std::rename(partial.c_str(), to.c_str()) != 0) fail_to_write(to);
    fs::remove(partial, error);  // rename() leaves it where both were names of one file already
    return;
  }
  WholeFile copy(to);
  copy.write(read_file(from, most_state_bytes));
  copy.commit();
}

bool holds_run(const std::string& folder) {
  std::error_code none;
  if (!fs::exists(folder + "/" + run_file::state, none))
    for (auto name : run_file::followers)
      if (fs::is_regular_file(folder + "/" + name, none)) return true;
  const auto size = fs::file_size(folder + "/" + run_file::metrics, none);
  if (!none && size > 0) return true;
  for (auto name : {run_file::last, run_file::best, run_file::curves})
    if (fs::exists(folder + "/" + name, none)) return true;
  return false;
}

void remove_followers(const std::string& folder) {
  std::error_code none;
  for (auto name : run_file::followers) {
    const std::string path = folder + "/" + name;
    if (!fs::is_directory(path, none)) {
      fs::remove(path);
      continue;
    }
    // Of a folder only what is ours.
    for (auto part : {"/evaluate", "/train", "/val", ""}) {
      fs::remove(path + part + "/" + EventFile::name);
      fs::remove(path + part, none);
    }
  }
}

bool same_folder(const std::string& a, const std::string& b) {
  std::error_code none;
  return a == b || fs::equivalent(a, b, none);
}

std::string named_run(const std::string& path) {
  if (path != "best" && path != "last") return "";
  std::error_code none;
  fs::path newest;
  fs::file_time_type at{};
  for (auto& entry : fs::directory_iterator("runs", none)) {
    const auto time = fs::last_write_time(entry.path() / run_file::state, none);
    if (none || (!newest.empty() && time <= at)) continue;
    newest = entry.path();
    at = time;
  }
  return newest.empty() ? "; give the folder of a run"
                        : "; the newest run here is " + printable(newest.string());
}

std::string weights_file(const std::string& path) {
  if (path.empty()) throw Error("the name of the checkpoint is empty");
  std::error_code none;
  if (!fs::is_directory(path, none)) {
    if (!fs::exists(path, none) && !named_run(path).empty())
      throw FormatError(path, "cannot be read: no such file" + named_run(path));
    return path;
  }
  std::error_code error;
  for (auto name : {run_file::best, run_file::last}) {
    const std::string file = (fs::path(path) / name).string();
    if (fs::exists(file, error)) return file;
    if (error) throw FormatError(file, "cannot be read: " + error.message());
  }
  throw FormatError(path, std::string("holds no weights: neither ") + run_file::best + " nor " +
                              run_file::last +
                              (fs::exists(fs::path(path) / run_file::state, none)
                                   ? ", since the run there has finished no epoch"
                                   : ""));
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
