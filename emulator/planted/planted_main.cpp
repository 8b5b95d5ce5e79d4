// Runs every planted mistake, and its right twin, in a process of its own.
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>

#include "planted.h"

namespace {

constexpr int exit_wrong = 10, exit_error = 11;

struct Ended {
  int code = -1;  ///< -1: by a signal
  std::string said;
};

Ended run(const Planted& planted, bool bug, const char* mode) {
  std::FILE* said = std::tmpfile();
  std::fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    dup2(fileno(said), STDERR_FILENO);
    if (mode) putenv(const_cast<char*>(mode));
    if (planted.arch) putenv(const_cast<char*>(planted.arch));
    _exit(planted.run(bug) ? 0 : exit_wrong);
  }
  int status = 0;
  waitpid(child, &status, 0);
  Ended ended{.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1};
  std::rewind(said);
  for (int c; (c = std::fgetc(said)) != EOF;) ended.said += char(c);
  std::fclose(said);
  return ended;
}

// "planted_kernels.cu:LINE,": what the emulator must name.
std::string marked_line(const Planted& planted) {
  std::ifstream file(std::string(EMULATOR_FOLDER) + "/" + planted.file);
  const std::string mark = std::string("// BUG: ") + planted.name;
  int number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    if (line.size() >= mark.size() && line.substr(line.size() - mark.size()) == mark)
      return std::string(planted.file) + ":" + std::to_string(number) + ",";
  }
  return "no line of " + std::string(planted.file) + " ends with " + mark;
}

// What is not as it should be; empty if all is.
std::string complaint_of_bug(const Planted& p) {
  const Ended ended = run(p, true, p.mode);
  const int wanted = p.found == Found::error   ? exit_error
                     : p.found == Found::wrong ? exit_wrong
                                               : -1;
  std::string why;
  if (ended.code != wanted)
    why = "ends with " + std::to_string(ended.code) + ", not " + std::to_string(wanted);
  else if (p.says && ended.said.find(p.says) == std::string::npos)
    why = std::string("does not say '") + p.says + "'";
  else if (p.file && ended.said.find(marked_line(p)) == std::string::npos)
    why = "does not name " + marked_line(p);
  else if (!p.says && !ended.said.empty())
    why = "says something";
  return why.empty() ? "" : "the bug " + why + ": " + ended.said;
}
std::string complaint_of_twin(const Planted& p) {
  for (const char* mode : {"EMULATOR_LATE=1", "EMULATOR_LATE=0", "EMULATOR_BACKWARDS=1",
                           "EMULATOR_APART=1", "EMULATOR_RACES=1"}) {
    const Ended ended = run(p, false, mode);
    if (ended.code != 0 || !ended.said.empty())
      return std::string("the right twin, ") + mode + ", ends with " + std::to_string(ended.code) +
             ": " + ended.said;
  }
  return "";
}

}  // namespace

#if !EMULATED_NCCL
std::vector<Planted> planted_in_nccl() { return {}; }
#endif

void checked(int status) {
  if (status != 0) _exit(exit_error);
}

int main(int argc, char** argv) {
  // A run under one of the modes would test that mode only.
  for (const char* mode :
       {"EMULATOR_LATE", "EMULATOR_BACKWARDS", "EMULATOR_APART", "EMULATOR_RACES", "EMULATOR_ARCH"})
    unsetenv(mode);
  int failures = 0, count = 0;
  for (const auto& all : {planted_in_kernels(), planted_in_host_code(), planted_in_hopper(),
                          planted_on_devices(), planted_in_nccl()})
    for (const Planted& p : all) {
      if (argc > 1 && std::strcmp(argv[1], p.name) != 0) continue;
      std::string why = complaint_of_bug(p);
      if (argc > 1) std::printf("%s", run(p, true, p.mode).said.c_str());
      if (why.empty()) why = complaint_of_twin(p);
      std::printf("%s  %s%s%s\n", why.empty() ? "found " : "FAILED", p.name,
                  why.empty() ? "" : ": ", why.c_str());
      ++count;
      failures += !why.empty();
    }
  if (count == 0) {
    std::fprintf(stderr, "There is no planted mistake '%s'; without a name all run, and are listed.\n",
                 argv[1]);
    return 2;
  }
  std::printf("%d planted mistakes, %d failures\n", count, failures);
  return failures != 0;
}
