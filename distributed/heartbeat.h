// Tells in every process when another one has gone silent.
#pragma once
#include <mpi.h>

#include <atomic>
#include <thread>

namespace tweed {

/// A thread beside the training: each second it sends a byte to the next process, and it waits for
/// one from the process before, around a ring. Whoever hears nothing for `silence` says so on
/// stderr and ends all processes. A process that is stopped, or whose machine hangs, is so found
/// out within half a minute; without it the others would wait for its part of a sum for ever. One
/// that computes or reads for long goes on sending.
///
/// (A process that dies is noticed by mpirun, which ends the others at once. One that ends as if
/// all were well, with others still waiting for its part, is found out here.)
class Heartbeat {
 public:
  static constexpr double silence = 20;  // seconds

  /// All processes make one at a time; MPI must allow calls by several threads.
  explicit Heartbeat(MPI_Comm processes);
  /// Says goodbye: the next process expects no more.
  ~Heartbeat();
  Heartbeat(const Heartbeat&) = delete;
  Heartbeat& operator=(const Heartbeat&) = delete;

  /// While one lives, this process waits for all others. @param heartbeat  null: there is none
  class Waiting {
   public:
    explicit Waiting(Heartbeat* heartbeat) : heartbeat_(heartbeat) {
      if (heartbeat_) ++heartbeat_->waiting_;
    }
    ~Waiting() {
      if (heartbeat_) --heartbeat_->waiting_;
    }
    Waiting(const Waiting&) = delete;
    Waiting& operator=(const Waiting&) = delete;

   private:
    Heartbeat* heartbeat_;
  };

 private:
  void run();

  MPI_Comm ring_ = MPI_COMM_NULL;
  int rank_ = 0, size_ = 1;
  std::atomic<bool> stop_{false};
  std::atomic<int> waiting_{0};
  std::thread thread_;
};

}  // namespace tweed
