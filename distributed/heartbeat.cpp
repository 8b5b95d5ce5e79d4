#include "distributed/heartbeat.h"

#include <algorithm>
#include <chrono>
#include <cstdio>

namespace tweed {
namespace {

using Clock = std::chrono::steady_clock;
constexpr char alive = 1, goodbye = 0;
constexpr std::chrono::milliseconds a_look(100);
constexpr std::chrono::seconds a_beat(1);

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
  std::chrono::duration<double> silent(0);
  MPI_Irecv(&heard, 1, MPI_CHAR, before, 0, ring_, &hears);
  // A process leaves when its own goodbye is sent and the one before has said its own: until then
  // there may be something to say about it.
  while (listens || !left) {
    // Time in which this thread did not run, since all processes were stopped together, says
    // nothing about the others.
    const auto now = Clock::now();
    silent += std::min<std::chrono::duration<double>>(now - looked_at, a_beat);
    looked_at = now;
    if (listens && done(hears)) {
      silent = {};
      listens = heard != goodbye;
      if (listens) MPI_Irecv(&heard, 1, MPI_CHAR, before, 0, ring_, &hears);
    }
    if (listens && silent.count() > silence) {
      std::fprintf(
          stderr,
          "rank %d: rank %d has given no sign of life for %.0f s, so the run ends; it can go "
          "on from its last checkpoint\n",
          rank_, before, silence);
      MPI_Abort(ring_, 1);
    }
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
