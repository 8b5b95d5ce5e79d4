// Work shared out among threads, for loading: not for arithmetic, which has OpenMP's.
#pragma once
#include <cstdint>
#include <functional>

namespace tweed {

/// Calls work(0) ... work(count-1), in any order, on `workers` threads (at least one), while the
/// calling thread calls tick(done) about 20 times a second, and once at the end.
///
/// The first exception of `work` or `tick` ends the rest and is thrown to the caller, after all
/// threads have ended.
void share_out(int64_t count, int workers, const std::function<void(int64_t)>& work,
               const std::function<void(int64_t done)>& tick);

}  // namespace tweed
