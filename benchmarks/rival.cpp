#include "benchmarks/rival.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "apps/paths.h"
#include "kernels/machine/error.h"

namespace tweed::bench {

namespace {
constexpr int not_found = 127;  // as shells say it
}

std::vector<std::string> tuned_malloc() {
  return {"MALLOC_MMAP_MAX_=0", "MALLOC_TRIM_THRESHOLD_=8000000000"};
}

std::string script(const std::string& name) {
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  const auto beside = program.parent_path() / name;
  if (!error && std::filesystem::exists(beside, error)) return beside;
  return source_path("benchmarks/" + name);
}

Rival::Rival(const std::vector<std::string>& command, const std::vector<std::string>& environment) {
  int to[2], from[2];
  if (pipe2(to, O_CLOEXEC) || pipe2(from, O_CLOEXEC)) throw Error("no pipe for " + command[0]);
  pid_ = fork();
  if (pid_ == 0) {
    dup2(to[0], 0);
    dup2(from[1], 1);
    for (auto& entry : environment) putenv(const_cast<char*>(entry.c_str()));
    std::vector<char*> arguments;
    for (auto& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    execvp(arguments[0], arguments.data());
    _exit(not_found);
  }
  close(to[0]);
  close(from[1]);
  to_ = fdopen(to[1], "w");
  from_ = fdopen(from[0], "r");
  signal(SIGPIPE, SIG_IGN);
  std::string first = line();
  if (first.rfind("ready", 0) != 0) throw Error("'" + command[0] + "' " + why_not(first));
  description_ = first.size() > 6 ? first.substr(6) : "";
}

// Why there is no rival, from its first line; without one it has ended.
std::string Rival::why_not(const std::string& first) const {
  if (!first.empty()) return "cannot be the rival: " + first;
  int status = 0;
  waitpid(pid_, &status, 0);
  if (WIFEXITED(status) && WEXITSTATUS(status) == not_found)
    return "does not start: there is no such program";
  return "ended before it was ready; what it said stands above";
}

Rival::~Rival() {
  std::fclose(to_);  // the end of its input ends it
  std::fclose(from_);
  waitpid(pid_, nullptr, 0);
}

std::string Rival::line() {
  std::string text;
  for (int c; (c = std::fgetc(from_)) != EOF && c != '\n';) text += char(c);
  return text;
}

std::string Rival::ask(const std::string& text) {
  std::fprintf(to_, "%s\n", text.c_str());
  std::fflush(to_);
  const std::string answer = line();
  if (answer.empty()) throw Error("the rival ended at '" + text + "'");
  if (answer.rfind("error", 0) == 0) throw Error("the rival said '" + answer + "'");
  return answer;
}

double Rival::number(const std::string& text) {
  const std::string answer = ask(text);
  char* end = nullptr;
  const double value = std::strtod(answer.c_str(), &end);
  if (end == answer.c_str()) throw Error("the rival said '" + answer + "' to '" + text + "'");
  return value;
}

}  // namespace tweed::bench
