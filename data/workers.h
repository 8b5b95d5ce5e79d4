// Work shared out among threads, for loading: not for arithmetic, which has OpenMP's.
#pragma once
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

namespace tweed {

/// Starts up to `count` threads that each call `work`, which must not throw. A system that gives no
/// more threads (a limit on processes, no memory for a stack) leaves it at those that it gave,
/// maybe none: whoever shares out work goes on with fewer hands, or with his own.
std::vector<std::thread> start_threads(int count, const std::function<void()>& work);

/// Calls work(0) ... work(count-1), in any order, on `workers` threads (at least one, and as many
/// as the system starts), while the calling thread calls tick(done) about 20 times a second, and
/// once at the end. If not one thread can be started, the calling thread does the work too.
///
/// The first exception of `work` or `tick` ends the rest and is thrown to the caller, after all
/// threads have ended.
void share_out(int64_t count, int workers, const std::function<void(int64_t)>& work,
               const std::function<void(int64_t done)>& tick);

}  // namespace tweed
