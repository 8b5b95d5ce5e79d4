// Threads that wait for each other.
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <utility>

#include "driver.h"
#include "pool.h"
#include "switches.h"

namespace emulator {

void Mutex::lock() {
  if (owner_ != std::this_thread::get_id()) {
    mutex_.lock();
    owner_ = std::this_thread::get_id();
    ++uses_;
  }
  ++depth_;
}
void Mutex::unlock() {
  if (--depth_) return;
  owner_ = std::thread::id();
  mutex_.unlock();
}
void Mutex::wait() {
  const int depth = std::exchange(depth_, 0);
  owner_ = std::thread::id();
  std::unique_lock own(mutex_, std::adopt_lock);
  changed_.wait_for(own, std::chrono::milliseconds(100));
  own.release();
  owner_ = std::this_thread::get_id();
  depth_ = depth;
}

static double patience() { return double(switched("EMULATOR_PATIENCE", 60)); }  // seconds
static bool has_other_threads() {
  long count = 0;
  for ([[maybe_unused]] auto& thread : std::filesystem::directory_iterator("/proc/self/task"))
    ++count;
  return count > 1 + pool_threads();
}

void await(const std::function<bool()>& done, const std::function<std::string()>& what_for) {
  using Clock = std::chrono::steady_clock;
  auto quiet_since = Clock::now();
  for (uint64_t uses = lock().uses(); !done();) {
    if (!has_other_threads()) throw Fault(what_for() + ", and there is no other thread to do it");
    lock().wait();
    if (lock().uses() != uses) quiet_since = Clock::now();
    uses = lock().uses();
    if (std::chrono::duration<double>(Clock::now() - quiet_since).count() > patience())
      throw Fault(what_for() + ", and no thread has called CUDA for a while (EMULATOR_PATIENCE)");
  }
}

// What each thread waits for: that a stream, which another thread runs, gets further.
struct Wait {
  const Stream* stream;
  uint64_t done;
  bool over() const { return stream->done != done; }
};
static std::map<std::thread::id, Wait>& waiting() {
  static auto* all = new std::map<std::thread::id, Wait>;
  return *all;
}
void wait_for_runner(Stream& s) {
  const auto me = std::this_thread::get_id();
  auto other = s.runner;
  for (std::size_t steps = 0; other != me && steps <= waiting().size(); ++steps) {
    const auto next = waiting().find(other);
    // One that has what it waited for may still have to wake up.
    if (next == waiting().end() || next->second.over()) break;
    other = next->second.stream->runner;
  }
  if (other == me) throw Fault("streams that wait for each other");
  const Wait wait = waiting()[me] = {&s, s.done};
  try {
    await([&] { return wait.over(); }, [] { return std::string("waits for a stream"); });
  } catch (...) {
    waiting().erase(me);
    throw;
  }
  waiting().erase(me);
}

}  // namespace emulator
