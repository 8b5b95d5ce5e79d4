#include "tests/apps/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stdexcept>

namespace tweed {

Running::Running(const std::vector<std::string>& command) {
  int out[2], err[2];
  if (pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC)) throw std::runtime_error("no pipe");
  pid_ = fork();
  if (pid_ == 0) {
    dup2(out[1], 1);
    dup2(err[1], 2);
    std::vector<char*> arguments;
    for (auto& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    execv(arguments[0], arguments.data());
    _exit(127);
  }
  close(out[1]);
  close(err[1]);
  out_ = out[0];
  err_ = err[0];
}

static bool read_until(const std::string& text, int file, std::string& seen) {
  char buffer[4096];
  while (seen.find(text) == std::string::npos) {
    ssize_t n = read(file, buffer, sizeof buffer);
    if (n <= 0) return false;
    seen.append(buffer, std::size_t(n));
  }
  return true;
}

bool Running::wait_for(const std::string& text) { return read_until(text, out_, seen_); }
bool Running::wait_for_error(const std::string& text) {
  return read_until(text, err_, seen_errors_);
}
void Running::send(int signal) { kill(pid_, signal); }

Outcome Running::finish() {
  Outcome outcome{0, seen_, seen_errors_};
  pollfd fds[2] = {{out_, POLLIN, 0}, {err_, POLLIN, 0}};
  std::string* texts[2] = {&outcome.out, &outcome.err};
  for (int open = 2; open > 0;) {
    poll(fds, 2, -1);
    for (int i = 0; i < 2; ++i) {
      if (fds[i].fd < 0 || !fds[i].revents) continue;
      char buffer[4096];
      ssize_t n = read(fds[i].fd, buffer, sizeof buffer);
      if (n > 0) {
        texts[i]->append(buffer, std::size_t(n));
      } else {
        close(fds[i].fd);
        fds[i].fd = -1;
        --open;
      }
    }
  }
  int status = 0;
  rusage used{};
  wait4(pid_, &status, 0, &used);
  outcome.peak_kilobytes = used.ru_maxrss;
  outcome.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return outcome;
}

// A pseudo-terminal: this side reads what the program's side shows.
Outcome run_in_terminal(const std::vector<std::string>& command, int columns) {
  const int ours = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (ours < 0 || grantpt(ours) || unlockpt(ours)) throw std::runtime_error("no terminal");
  const std::string name = ptsname(ours);
  const int theirs = open(name.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC);
  winsize size{};
  size.ws_row = 24;
  size.ws_col = static_cast<unsigned short>(columns);
  ioctl(theirs, TIOCSWINSZ, &size);
  const int pid = fork();
  if (pid == 0) {
    setsid();
    for (int stream : {0, 1, 2}) dup2(theirs, stream);
    std::vector<char*> arguments;
    for (auto& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    execv(arguments[0], arguments.data());
    _exit(127);
  }
  close(theirs);
  Outcome outcome;
  char buffer[4096];
  for (ssize_t n; (n = read(ours, buffer, sizeof buffer)) > 0;)
    outcome.out.append(buffer, std::size_t(n));
  close(ours);
  int status = 0;
  waitpid(pid, &status, 0);
  outcome.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return outcome;
}

Outcome run_program(const std::vector<std::string>& command) { return Running(command).finish(); }

}  // namespace tweed
