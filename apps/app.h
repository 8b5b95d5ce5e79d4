// What the apps share: how they start, fail and stop.
#pragma once
#include <CLI/CLI.hpp>
#include <functional>
#include <string>

#include "apps/terminal.h"
#include "tensor/device.h"

namespace tweed::app {

/// Runs an app: `prepare` parses flags and opens everything that was given, and returns the work.
/// Errors are one line on stderr. Exit codes: what the work returns; 2 if prepare fails (flags,
/// files, data, output folder, device), 1 if the work fails or memory ran out, 130 after Ctrl-C.
///
/// A file beyond the limit on file sizes (ulimit -f) is an error like a full disk. A thread that
/// OpenMP cannot start is none: its library ends the program with a line of its own and exit
/// code 1.
int run(const char* name, const std::function<std::function<int()>()>& prepare);

/// From now on an error says which of several processes it is of, and ends all of them by
/// `end_all` with the exit code. Where all fail alike, `first` is the one that says it.
void fail_together(const std::string& who, bool first, std::function<void(int)> end_all);

/// Whether the program shall stop: Ctrl-C or SIGTERM has come, or the terminal is closed (SIGHUP;
/// not under nohup), nobody reads a pipe any more (SIGPIPE), the time on the processor is used up
/// (SIGXCPU). The work checks it between steps and returns 130. A second Ctrl-C or SIGTERM ends the
/// program at once.
bool interrupted();

/// Thrown by parse() when the program has said all it has to say, such as for --help.
struct Done {
  int code;
};
/// Parses flags; given twice, the last counts. @throws Done for --help, Error for wrong flags
void parse(CLI::App& flags, int argc, char** argv);
/// @param words  without the program's name
void parse(CLI::App& flags, std::vector<std::string> words);

/// --device, --threads, the coursework's --gpu, and --movie of a kernel on the simulator.
struct DeviceFlags {
  std::string device = "cpu";
  int threads = 0;
  int gpu = 0;
  std::string movie, kernel;
  void add_to(CLI::App& flags);
  /// Sets the number of threads, and begins to wait for the kernel to film.
  /// @param gpu  which one "cuda" without a number is
  /// @throws Error  for what the environment asks for or a movie that cannot be, DeviceError
  Device open(int gpu = 0) const;

 private:
  CLI::Option *gpu_option_ = nullptr, *movie_option_ = nullptr;
};

/// The check of an option that takes one of some names; suggests one where another is near.
CLI::Validator one_of(const std::vector<std::string>& names);

/// "a, b, c"
std::string joined(const std::vector<std::string>& words, const char* between = ", ");
/// "1 epoch", "3 epochs"
std::string counted(int64_t count, const std::string& thing);
/// Seconds of a clock that only goes forward.
double now();
/// "0:42", "1:02:03"
std::string clock(double seconds);
/// "123.4 MB"
std::string megabytes(double bytes);
/// Creates a folder and checks that files can be written there. @throws Error
void make_output_folder(const std::string& path);
/// The folder part of a path, "." if it has none.
std::string folder_of(const std::string& path);
/// Creates the folder of a file, and checks that one can be written there. @throws Error
void check_output_file(const std::string& path);

}  // namespace tweed::app
