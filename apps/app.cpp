#include "apps/app.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <new>
#include <thread>

#include "apps/help.h"
#include "apps/numbers.h"
#include "data/file_kind.h"
#include "kernels/conv/register_tile.h"
#include "kernels/machine/printable.h"
#include "kernels/machine/suggest.h"
#include "record/movie/movie_page.h"

namespace tweed::app {
namespace {

constexpr int most_threads = 4096;

// Of several processes; see fail_together().
struct Together {
  std::string who;
  bool first = true;
  std::function<void(int)> end_all;
} together;

std::atomic<bool> stop{false}, nobody_reads{false};
std::atomic<int64_t> asked_at{0};  // milliseconds

int64_t milliseconds() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return int64_t(t.tv_sec) * 1000 + t.tv_nsec / 1'000'000;
}

// A second Ctrl-C or SIGTERM ends the program at once. Only of these two signals a second one
// counts (the system repeats the others by itself), and only after a third of a second: `timeout`
// sends its signal twice, to the process and to its group.
void on_signal(int signal) {
  if (signal == SIGINT || signal == SIGTERM) {
    int64_t first = 0;
    const int64_t now = milliseconds();
    if (!asked_at.compare_exchange_strong(first, now) && now - first > 300) _exit(128 + signal);
  }
  if (signal == SIGPIPE) nobody_reads = true;
  stop = true;
}

bool is_ignored(int signal) {
  struct sigaction action {};
  return sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

void watch_signals() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  for (int signal : {SIGINT, SIGTERM, SIGPIPE, SIGXCPU}) sigaction(signal, &action, nullptr);
  if (!is_ignored(SIGHUP)) sigaction(SIGHUP, &action, nullptr);  // as nohup wants it
  signal(SIGXFSZ, SIG_IGN);  // a file beyond the limit fails to be written, which can be said
}

int report(const char* name, const char* what, int code) {
  std::fflush(stdout);
  // What befell all processes alike the first says, and has ended the others by then: MPI_Abort
  // ends them after a second.
  if (!together.first) std::this_thread::sleep_for(std::chrono::seconds(4));
  be_silent(false);
  const std::string who = together.who.empty() ? "" : " (" + together.who + ")";
  // A message names what somebody else wrote: it forges no line and fills no screen.
  say_error("%s %s\n", styled_error(Style::red, name + who + ":").c_str(),
            printable(what, 1000).c_str());
  if (together.end_all) together.end_all(code);
  return code;
}

int report_current(const char* name, int code) {
  try {
    throw;
  } catch (const std::bad_alloc&) {
    return report(name, "the system has no memory left", 1);
  } catch (const std::exception& e) {
    return report(name, e.what(), code);
  } catch (...) {
    return report(name, "something was thrown that is no std::exception", code);
  }
}

// Whoever stopped the program, or has closed the pipe that it writes to, knows why text is missing.
int end(const char* name, int code) {
  const bool lost = std::fflush(stdout) || std::ferror(stdout);
  if (lost && !stop) return report(name, "cannot write to standard output", 1);
  return nobody_reads && code == 0 ? 128 + SIGPIPE : code;
}

}  // namespace

// A file that is opened next would take the number of a stream that was closed, and what is printed
// would go into it. What is printed to a closed stdout is lost, which is an error as on a full
// disk.
static void fill_closed_streams() {
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(stream, F_GETFD) >= 0) continue;
    // The lowest free number is the stream's.
    if (stream != STDOUT_FILENO || ::open("/dev/full", O_WRONLY) < 0)
      if (::open("/dev/null", O_RDWR) < 0) return;
  }
}

// OpenMP's threads spin for milliseconds while they wait, unless the environment told them
// otherwise before the program began: beside other work on the same cores that takes several times
// as long. Threads that sleep at once have to be woken for every loop, which takes some 50 us and
// is most of the time where a network answers for one image. So they spin for about as long as
// waking takes. A program that was started without a wish of the user's starts itself once more.
static void wait_briefly() {
  if (std::getenv("OMP_WAIT_POLICY") || std::getenv("GOMP_SPINCOUNT")) return;
  if (::setenv("OMP_WAIT_POLICY", "passive", 1) != 0) return;
  if (::setenv("GOMP_SPINCOUNT", "3000", 1) != 0) return;
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  std::vector<std::string> words;
  for (std::string word; std::getline(file, word, '\0');) words.push_back(word);
  std::vector<char*> arguments;
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  if (!words.empty()) ::execv("/proc/self/exe", arguments.data());
}

int run(const char* name, const std::function<std::function<int()>()>& prepare) {
  fill_closed_streams();
  wait_briefly();
  watch_signals();
  std::function<int()> work;
  try {
    work = prepare();
  } catch (const Done& done) {
    return end(name, done.code);
  } catch (...) {
    return report_current(name, interrupted() ? 130 : 2);
  }
  try {
    const int code = work();
    const std::string missing = why_no_movie();
    if (missing.empty() || code) return end(name, code);
    return report(name, missing.c_str(), 1);
  } catch (...) {
    return report_current(name, interrupted() ? 130 : 1);
  }
}

void fail_together(const std::string& who, bool first, std::function<void(int)> end_all) {
  together = {who, first, std::move(end_all)};
}

bool interrupted() { return stop; }

// Which word is none of the program's, and what may have been meant.
static std::string unexpected(const CLI::App& flags) {
  auto words = flags.remaining();
  std::reverse(words.begin(), words.end());  // CLI::App keeps them from the end
  const auto flag =
      std::find_if(words.begin(), words.end(), [](auto& w) { return w[0] == '-' && w != "--"; });
  if (flag == words.end())
    return "the word " + in_quotes(words.at(0), 60) +
           " is not expected: everything is given already";
  std::vector<std::string> names;
  for (const CLI::Option* option : flags.get_options())
    for (auto& name : option->get_lnames()) names.push_back("--" + name);
  const std::string word = flag->substr(0, flag->find('='));
  return "there is no flag " + in_quotes(word, 60) + did_you_mean(word, names);
}

CLI::Validator one_of(const std::vector<std::string>& names) {
  return CLI::Validator(
      [names](std::string& word) {
        if (std::find(names.begin(), names.end(), word) != names.end()) return std::string();
        return "takes " + joined(names) + ", not " + in_quotes(word, 60) +
               did_you_mean(word, names);
      },
      "");
}

void parse(CLI::App& flags, int argc, char** argv) {
  parse(flags, {argv + std::min(1, argc), argv + argc});
}

// The weights may be an app's first word or come by their flag. Behind other words the flag would
// leave its place to the first of them.
static void put_weights_first(const CLI::App& flags, std::vector<std::string>& words) {
  const CLI::Option* option = flags.get_option_no_throw("--weights");
  if (!option || !option->get_positional()) return;
  const auto end = std::find(words.begin(), words.end(), "--");
  const auto at = std::find_if(words.begin(), end, [](const std::string& word) {
    return word == "--weights" || word.starts_with("--weights=");
  });
  const bool two = at != end && at->find('=') == std::string::npos;
  if (at == end || (two && at + 1 == words.end())) return;
  std::rotate(words.begin(), at, at + (two ? 2 : 1));
}

void parse(CLI::App& flags, std::vector<std::string> words) {
  if (!flags.get_help_all_ptr()) use_our_help(flags);
  put_weights_first(flags, words);
  std::reverse(words.begin(), words.end());  // as CLI::App wants them
  try {
    flags.parse(std::move(words));
  } catch (const CLI::Success& e) {
    throw Done{flags.exit(e)};
  } catch (const CLI::ExtrasError&) {
    throw Error(unexpected(flags) + " (see --help)");
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
  movie_option_ = flags
                      .add_option("--movie", movie,
                                  "with --device sim: a page that shows a launch step by step")
                      ->type_name("FILE");
  flags.add_option("--kernel", kernel, "which: the first whose kernel's name contains this")
      ->type_name("NAME")
      ->needs(movie_option_);
}
Device DeviceFlags::open(int gpu_of_cuda) const {
  set_threads(threads);
  if (tweed::threads() > most_threads)
    throw Error("OMP_NUM_THREADS asks for " + std::to_string(tweed::threads()) +
                " threads; at most " + std::to_string(most_threads) + " are of use");
  simd_level();  // says here what is wrong with TWEED_SIMD
  std::string name = device;
  if (gpu_option_ && gpu_option_->count()) name = gpu < 0 ? "cpu" : "cuda:" + std::to_string(gpu);
  if (name == "cuda" && gpu_of_cuda > 0) name += ":" + std::to_string(gpu_of_cuda);
  const Device opened = Device::parse(name);
  if (movie_option_ && movie_option_->count()) {
    if (opened.kind() != Device::Kind::sim)
      throw Error("--movie shows what the simulator sees: it wants --device sim, not " + name);
    film_to(movie, kernel, [](const std::string& text) { say("%s\n", text.c_str()); });
  }
  return opened;
}

std::string joined(const std::vector<std::string>& words, const char* between) {
  std::string text;
  for (auto& word : words) {
    if (!text.empty()) text += between;
    text += word;
  }
  return text;
}

std::string counted(int64_t count, const std::string& thing) {
  return std::to_string(count) + " " + thing + (count == 1 ? "" : "s");
}

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
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

// The file that tries it out has a name of its own, and so follows no link that lies there.
void make_output_folder(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) throw Error(path + ": cannot be created: " + error.message());
  std::string probe = path + "/.write_test_XXXXXX";
  const int file = ::mkostemp(probe.data(), O_CLOEXEC);
  if (file < 0) throw Error(path + ": cannot be written to: " + std::strerror(errno));
  ::close(file);
  std::filesystem::remove(probe, error);
}

std::string folder_of(const std::string& path) {
  auto folder = std::filesystem::path(path).parent_path().string();
  return folder.empty() ? "." : folder;
}

// The first bytes, by which files are told.
static std::string head_of(const std::string& path) {
  std::string head(512, '\0');
  std::ifstream file(path, std::ios::binary);
  file.read(head.data(), std::streamsize(head.size()));
  head.resize(std::size_t(file.gcount()));
  return head;
}

void check_output_file(const std::string& path) {
  std::error_code ignored;
  if (path.empty() || path.ends_with('/') || std::filesystem::is_directory(path, ignored))
    throw Error("--out names a file, not " + in_quotes(path) + ", which is a folder");
  std::error_code none;
  if (std::filesystem::is_regular_file(path, none) && std::filesystem::file_size(path, none) > 0 &&
      file_kind(head_of(path)) != FileKind::png)
    throw Error("--out " + printable(path) + " is a file that is no PNG: it is not replaced");
  make_output_folder(folder_of(path));
}

}  // namespace tweed::app
