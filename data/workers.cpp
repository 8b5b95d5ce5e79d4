#include "data/workers.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <new>
#include <system_error>

namespace tweed {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto between_ticks = std::chrono::milliseconds(50);

class Crew {
 public:
  Crew(int64_t count, int workers, const std::function<void(int64_t)>& work)
      : count_(count), work_(work) {
    std::lock_guard lock(mutex_);  // no thread ends before all of them are counted
    threads_ = start_threads(workers, [this] { run(); });
    running_ = int(threads_.size());
  }
  ~Crew() {
    next_ = count_;
    for (auto& thread : threads_) thread.join();
  }

  // True once all threads have nothing left to do.
  bool wait() {
    std::unique_lock lock(mutex_);
    return idle_.wait_for(lock, between_ticks, [&] { return running_ == 0; });
  }
  bool empty() const { return threads_.empty(); }
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
  int running_ = 0;
  std::exception_ptr error_;
  std::mutex mutex_;
  std::condition_variable idle_;
  const std::function<void(int64_t)>& work_;
  std::vector<std::thread> threads_;
};

void do_alone(int64_t count, const std::function<void(int64_t)>& work,
              const std::function<void(int64_t done)>& tick) {
  auto due = Clock::now() + between_ticks;
  for (int64_t i = 0; i < count; ++i) {
    work(i);
    if (!tick || Clock::now() < due) continue;
    tick(i + 1);
    due = Clock::now() + between_ticks;
  }
  if (tick) tick(count);
}

}  // namespace

// Threads that were started must not be forgotten when the next one fails: a thread's destructor
// ends the program while it runs.
std::vector<std::thread> start_threads(int count, const std::function<void()>& work) {
  std::vector<std::thread> threads;
  threads.reserve(std::size_t(std::max(0, count)));
  try {
    for (int i = 0; i < count; ++i) threads.emplace_back(work);
  } catch (const std::system_error&) {
  } catch (const std::bad_alloc&) {
  }
  return threads;
}

void share_out(int64_t count, int workers, const std::function<void(int64_t)>& work,
               const std::function<void(int64_t done)>& tick) {
  Crew crew(count, std::max(1, workers), work);
  if (crew.empty()) return do_alone(count, work, tick);
  while (!crew.wait())
    if (tick) tick(crew.done());
  if (auto error = crew.error()) std::rethrow_exception(error);
  if (tick) tick(crew.done());
}

}  // namespace tweed
