// Loading where the system starts no threads, or fewer than asked for.
#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <fstream>

#include "data/loader.h"
#include "data/workers.h"
#include "tests/catch.h"
#include "tests/data_support.h"

using namespace tweed;

namespace {

// Threads get stacks of 256 MiB for the length of a scope, and there is room for `count` and a
// half. That fails as under a limit on processes, and does so for root too.
class RoomForThreads {
 public:
  explicit RoomForThreads(int count) {
    constexpr std::size_t stack = std::size_t(256) << 20;
    pthread_getattr_default_np(&before_);
    pthread_attr_t wanted;
    pthread_getattr_default_np(&wanted);
    pthread_attr_setstacksize(&wanted, stack);
    pthread_setattr_default_np(&wanted);
    pthread_attr_destroy(&wanted);

    rlim_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    getrlimit(RLIMIT_AS, &limit_before_);
    rlimit limit = limit_before_;
    limit.rlim_cur = pages * rlim_t(sysconf(_SC_PAGESIZE)) + stack * rlim_t(count) + stack / 2;
    set_ = pages > 0 && setrlimit(RLIMIT_AS, &limit) == 0;
  }
  ~RoomForThreads() {
    setrlimit(RLIMIT_AS, &limit_before_);
    pthread_setattr_default_np(&before_);
    pthread_attr_destroy(&before_);
  }
  bool set() const { return set_; }

 private:
  pthread_attr_t before_;
  rlimit limit_before_;
  bool set_ = false;
};

Dataset patterns(int64_t count) {
  std::vector<Sample> samples;
  for (int64_t i = 0; i < count; ++i) samples.push_back({std::to_string(i), int(i % 3)});
  return Dataset({"a", "b", "c"}, samples, 18,
                 [](const Sample& s) { return pattern(18, 18, std::stoi(s.path)); });
}

std::vector<int64_t> loaded(const Dataset& data, int workers) {
  Loader loader(data, {.batch_size = 4, .image_size = 16, .workers = workers, .seed = 3});
  std::vector<int64_t> indexes;
  for (Batch batch; loader.next(batch);)
    indexes.insert(indexes.end(), batch.indexes.begin(), batch.indexes.end());
  return indexes;
}

}  // namespace

TEST_CASE("start_threads leaves it at the threads that the system gives", "[data]") {
  for (int room : {0, 3}) {
    RoomForThreads threads(room);
    REQUIRE(threads.set());
    std::atomic<bool> go{false};
    auto started = start_threads(8, [&] { go.wait(false); });
    CHECK(started.size() < 8);
    CHECK(started.empty() == (room == 0));
    go = true;
    go.notify_all();
    for (auto& thread : started) thread.join();
  }
}

TEST_CASE("share_out does its work where threads cannot be started", "[data]") {
  for (int room : {0, 3}) {
    RoomForThreads threads(room);
    std::vector<std::atomic<int>> calls(100);
    int64_t told = -1;
    share_out(
        100, 8, [&](int64_t i) { ++calls[std::size_t(i)]; }, [&](int64_t n) { told = n; });
    CHECK(std::all_of(calls.begin(), calls.end(), [](auto& n) { return n == 1; }));
    CHECK(told == 100);
    auto fail = [](int64_t) { throw std::runtime_error("no"); };
    CHECK_THROWS_WITH(share_out(100, 8, fail, {}), "no");
  }
}

TEST_CASE("A loader gives the same batches where threads cannot be started", "[data]") {
  const Dataset data = patterns(20);
  const auto wanted = loaded(data, 8);
  REQUIRE(wanted.size() == 20);
  for (int room : {0, 3}) {
    RoomForThreads threads(room);
    CHECK(loaded(data, 8) == wanted);
  }
}
