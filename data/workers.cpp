#include "data/workers.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace tweed {
namespace {

class Crew {
 public:
  Crew(int64_t count, int workers, const std::function<void(int64_t)>& work)
      : count_(count), running_(workers), work_(work) {
    for (int i = 0; i < workers; ++i) threads_.emplace_back([this] { run(); });
  }
  ~Crew() {
    next_ = count_;
    for (auto& thread : threads_) thread.join();
  }

  // True once all threads have nothing left to do.
  bool wait() {
    std::unique_lock lock(mutex_);
    return idle_.wait_for(lock, std::chrono::milliseconds(50), [&] { return running_ == 0; });
  }
  int64_t done() const { return done_; }
  std::exception_ptr error() {
    std::lock_guard lock(mutex_);
    return error_;
  }

 private:
  void run() {
    for (int64_t i; (i = next_++) < count_; ++done_) try {
        work_(i);
      } catch (...) {
        std::lock_guard lock(mutex_);
        if (!error_) error_ = std::current_exception();
        next_ = count_;
      }
    std::lock_guard lock(mutex_);
    if (--running_ == 0) idle_.notify_all();
  }

  const int64_t count_;
  std::atomic<int64_t> next_{0}, done_{0};
  int running_;
  std::exception_ptr error_;
  std::mutex mutex_;
  std::condition_variable idle_;
  const std::function<void(int64_t)>& work_;
  std::vector<std::thread> threads_;
};

}  // namespace

void share_out(int64_t count, int workers, const std::function<void(int64_t)>& work,
               const std::function<void(int64_t done)>& tick) {
  Crew crew(count, std::max(1, workers), work);
  while (!crew.wait())
    if (tick) tick(crew.done());
  if (auto error = crew.error()) std::rethrow_exception(error);
  if (tick) tick(crew.done());
}

}  // namespace tweed
