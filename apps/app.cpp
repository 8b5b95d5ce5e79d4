#include "apps/app.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <filesystem>
#include <new>

#include "apps/numbers.h"
#include "kernels/machine/printable.h"
#include "kernels/register_tile.h"

namespace tweed::app {
namespace {

constexpr int most_threads = 4096;

std::atomic<bool> stop{false};

void on_signal(int signal) {
  if (stop) _exit(128 + signal);
  stop = true;
}

void watch_signals() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  signal(SIGPIPE, SIG_DFL);
}

int report(const char* name, const char* what, int code) {
  std::fflush(stdout);
  // A message names what somebody else wrote: it forges no line and fills no screen.
  std::fprintf(stderr, "%s: %s\n", name, printable(what, 1000).c_str());
  return code;
}

}  // namespace

int run(const char* name, const std::function<std::function<int()>()>& prepare) {
  watch_signals();
  std::function<int()> work;
  try {
    work = prepare();
  } catch (const Done& done) {
    return done.code;
  } catch (const std::exception& e) {
    return report(name, e.what(), interrupted() ? 130 : 2);
  }
  try {
    int code = work();
    return std::fflush(stdout) ? report(name, "cannot write to standard output", 1) : code;
  } catch (const std::bad_alloc&) {
    return report(name, "the system has no memory left", 1);
  } catch (const std::exception& e) {
    return report(name, e.what(), 1);
  }
}

bool interrupted() { return stop; }

void parse(CLI::App& flags, int argc, char** argv) {
  try {
    flags.parse(argc, argv);
  } catch (const CLI::Success& e) {
    throw Done{flags.exit(e)};
  } catch (const CLI::ParseError& e) {
    throw Error(std::string(e.what()) + " (see --help)");
  }
}

void DeviceFlags::add_to(CLI::App& flags) {
  auto device_option =
      flags.add_option("--device", device, "cpu, sim (the GPU simulator, very slow) or cuda:N")
          ->capture_default_str();
  add_whole(flags, "--threads", threads, {0, most_threads},
            "threads to compute with; 0: all cores, or OMP_NUM_THREADS");
  gpu_option_ = add_whole(flags, "--gpu", gpu, {-1000, 999},
                          "the coursework's --device: a GPU's number, or negative for the CPU");
  gpu_option_->excludes(device_option);
}
Device DeviceFlags::open() const {
  set_threads(threads);
  if (tweed::threads() > most_threads)
    throw Error("OMP_NUM_THREADS asks for " + std::to_string(tweed::threads()) +
                " threads; at most " + std::to_string(most_threads) + " are of use");
  simd_level();  // says here what is wrong with TWEED_SIMD
  std::string name = device;
  if (gpu_option_ && gpu_option_->count()) name = gpu < 0 ? "cpu" : "cuda:" + std::to_string(gpu);
  return Device::parse(name);
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (auto& word : words) {
    if (!text.empty()) text += ", ";
    text += word;
  }
  return text;
}

std::string clock(double seconds) {
  long s = long(seconds + 0.5);
  char text[40];
  if (s >= 3600)
    std::snprintf(text, sizeof text, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
  else
    std::snprintf(text, sizeof text, "%ld:%02ld", s / 60, s % 60);
  return text;
}
std::string megabytes(double bytes) {
  char text[40];
  std::snprintf(text, sizeof text, "%.1f MB", bytes / 1e6);
  return text;
}

void make_output_folder(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) throw Error(path + ": cannot be created: " + error.message());
  std::string probe = path + "/.write_test";
  int file = ::open(probe.c_str(), O_CREAT | O_WRONLY | O_TRUNC, 0644);
  if (file < 0) throw Error(path + ": cannot be written to");
  ::close(file);
  std::filesystem::remove(probe, error);
}

std::string folder_of(const std::string& path) {
  auto folder = std::filesystem::path(path).parent_path().string();
  return folder.empty() ? "." : folder;
}

void check_output_file(const std::string& path) {
  std::error_code ignored;
  if (path.empty() || path.ends_with('/') || std::filesystem::is_directory(path, ignored))
    throw Error("--out names a file, not " + tweed::quoted(path) + ", which is a folder");
  make_output_folder(folder_of(path));
}

bool on_terminal() {
  static const bool answer = isatty(STDOUT_FILENO);
  return answer;
}

void ProgressLine::update(const std::string& text, bool milestone) {
  if (on_terminal()) {
    std::printf("\r%-*s", int(width_), text.c_str());
    width_ = text.size();
    std::fflush(stdout);
  } else if (milestone) {
    std::printf("%s\n", text.c_str());
    std::fflush(stdout);
  }
}
void ProgressLine::clear() {
  if (on_terminal() && width_) std::printf("\r%*s\r", int(width_), "");
  width_ = 0;
}

}  // namespace tweed::app
