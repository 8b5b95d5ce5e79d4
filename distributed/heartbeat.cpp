#include "distributed/heartbeat.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace tweed {
namespace {

using Clock = std::chrono::steady_clock;
constexpr char alive = 1, goodbye = 0;
constexpr std::chrono::milliseconds a_look(100);
constexpr std::chrono::seconds a_beat(1);

[[noreturn]] void end_all(MPI_Comm processes, int rank, const std::string& why) {
  std::fprintf(stderr, "rank %d: %s, so the run ends; it can go on from its last checkpoint\n",
               rank, why.c_str());
  MPI_Abort(processes, 1);
  std::_Exit(1);
}

// Whether it is done; MPI_REQUEST_NULL is.
bool done(MPI_Request& request) {
  int is_done = 0;
  MPI_Test(&request, &is_done, MPI_STATUS_IGNORE);
  return is_done != 0;
}

}  // namespace

Heartbeat::Heartbeat(MPI_Comm processes) {
  MPI_Comm_dup(processes, &ring_);
  MPI_Comm_rank(ring_, &rank_);
  MPI_Comm_size(ring_, &size_);
  if (size_ > 1) thread_ = std::thread([this] { run(); });
}

Heartbeat::~Heartbeat() {
  stop_ = true;
  if (thread_.joinable()) thread_.join();
  MPI_Comm_free(&ring_);
}

void Heartbeat::run() {
  const int before = (rank_ + size_ - 1) % size_, next = (rank_ + 1) % size_;
  char heard = alive, said = alive;
  MPI_Request hears = MPI_REQUEST_NULL, says = MPI_REQUEST_NULL;
  bool listens = true, left = false;
  auto looked_at = Clock::now(), said_at = looked_at - a_beat;
  std::chrono::duration<double> silent(0), in_vain(0);
  MPI_Irecv(&heard, 1, MPI_CHAR, before, 0, ring_, &hears);
  // A process leaves when its own goodbye is sent and the one before has said its own: until then
  // there may be something to say about it.
  while (listens || !left) {
    // Time in which this thread did not run, since all processes were stopped together, says
    // nothing about the others.
    const auto now = Clock::now();
    const auto passed = std::min<std::chrono::duration<double>>(now - looked_at, a_beat);
    silent += passed;
    in_vain = listens || !waiting_ ? std::chrono::duration<double>(0) : in_vain + passed;
    looked_at = now;
    if (listens && done(hears)) {
      silent = {};
      listens = heard != goodbye;
      if (listens) MPI_Irecv(&heard, 1, MPI_CHAR, before, 0, ring_, &hears);
    }
    const std::string who = "rank " + std::to_string(before);
    if (listens && silent.count() > silence)
      end_all(ring_, rank_,
              who + " has given no sign of life for " + std::to_string(int(silence)) + " s");
    if (in_vain.count() > silence)
      end_all(ring_, rank_, who + " has ended while this one waits for it");
    if (!left && done(says)) {
      if (said == goodbye) {
        left = true;
      } else if (stop_ || now - said_at >= a_beat) {
        said = stop_ ? goodbye : alive;
        said_at = now;
        MPI_Isend(&said, 1, MPI_CHAR, next, 0, ring_, &says);
      }
    }
    std::this_thread::sleep_for(a_look);
  }
}

}  // namespace tweed
