#include "apps/search/child.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <utility>

#include "kernels/machine/error.h"
#include "kernels/machine/printable.h"

namespace tweed::app {
namespace {

std::vector<char*> arguments_of(const std::vector<std::string>& command) {
  std::vector<char*> arguments;
  for (auto& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  return arguments;
}

// @param output  the descriptor for both streams; -1: they stay as they are
pid_t start(const std::vector<std::string>& command, int output) {
  const auto arguments = arguments_of(command);
  const pid_t parent = ::getpid();
  std::fflush(nullptr);
  const pid_t pid = ::fork();
  if (pid < 0) throw Error(printable(command[0]) + ": cannot be started: " + std::strerror(errno));
  if (pid > 0) return pid;
  // From here on only what may be called between fork and exec.
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) ::_exit(127);
  if (output >= 0) {
    ::dup2(output, STDOUT_FILENO);
    ::dup2(output, STDERR_FILENO);
  }
  ::execv(arguments[0], arguments.data());
  ::_exit(127);
}

int code_of(int status) {
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

}  // namespace

Child::Child(const std::vector<std::string>& command, const std::string& log) {
  int output = -1;
  if (!log.empty()) {
    output = ::open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (output < 0) throw Error(printable(log) + ": cannot be written: " + std::strerror(errno));
  }
  pid_ = start(command, output);
  if (output >= 0) ::close(output);
}

std::optional<int> Child::ended() {
  int status = 0;
  const pid_t found = ::waitpid(pid_, &status, WNOHANG);
  if (found == 0) return {};
  pid_ = -1;
  return found < 0 ? 127 : code_of(status);
}

void Child::send(int signal) const {
  if (pid_ > 0) ::kill(pid_, signal);
}

int run_quietly(const std::vector<std::string>& command, std::string& output) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw Error(std::string("no pipe: ") + std::strerror(errno));
  const pid_t pid = start(command, ends[1]);
  ::close(ends[1]);
  char buffer[4096];
  for (ssize_t n; (n = ::read(ends[0], buffer, sizeof buffer)) > 0;)
    output.append(buffer, std::size_t(n));
  ::close(ends[0]);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0)
    if (errno != EINTR) return 127;
  return code_of(status);
}

std::string program_beside(const std::string& name) {
  std::error_code none;
  return (std::filesystem::read_symlink("/proc/self/exe", none).parent_path() / name).string();
}

}  // namespace tweed::app
