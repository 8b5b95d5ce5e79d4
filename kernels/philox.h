// Counter-based random numbers, the same on every machine, on the host and in kernels.
//
// A number is a function of what it is for, not of what was drawn before it: the key is the seed,
// the counter names the use. So results do not depend on threads, on order, or on how far an
// earlier run got. Source: Salmon, Moraes, Dror, Shaw 2011, "Parallel random numbers: as easy as
// 1, 2, 3", Philox 4x32 with 10 rounds.
#pragma once
#include <cmath>
#include <cstdint>

#include "kernels/machine/inline.h"
#include "kernels/machine/span.h"

namespace tweed {

/// What random numbers are used for. Part of every counter, so that two uses never share numbers.
enum class Purpose : uint32_t {
  init = 1,
  shuffle,
  augment,
  dropout,
  attack,
  scene,
  test,
  mix,
  explain
};

struct Random4 {
  uint32_t v[4];
};

/// The Philox 4x32-10 block function: 128 random bits for a 128-bit counter and a 64-bit key.
TWEED_INLINE Random4 philox(uint64_t key, uint32_t c0, uint32_t c1, uint32_t c2, uint32_t c3) {
  uint32_t k0 = uint32_t(key), k1 = uint32_t(key >> 32);
  for (int round = 0; round < 10; ++round) {
    uint64_t p0 = uint64_t(0xD2511F53u) * c0, p1 = uint64_t(0xCD9E8D57u) * c2;
    c0 = uint32_t(p1 >> 32) ^ c1 ^ k0;
    c1 = uint32_t(p1);
    c2 = uint32_t(p0 >> 32) ^ c3 ^ k1;
    c3 = uint32_t(p0);
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return {{c0, c1, c2, c3}};
}

/// 24 random bits as a float in [0, 1).
TWEED_INLINE float uniform_float(uint32_t bits) { return float(bits >> 8) * (1.f / 16777216.f); }

/// A key for kernels: which numbers a launch draws. Element i of a launch takes word i % 4 of
/// block i / 4.
struct RandomKey {
  uint64_t seed = 0;
  Purpose purpose = Purpose::test;
  uint32_t step = 0;   ///< training step, or another running number
  uint32_t layer = 0;  ///< at most 2^16; its upper bits extend the element index beyond 2^34
  /// What is drawn for is `images` images of a batch, from `first` on, as large as one another:
  /// they draw what they would within the whole batch. 0: it is whole.
  uint32_t first = 0, images = 0;

  /// How many numbers belong to what comes before n elements of that.
  TWEED_INLINE int64_t skipped(int64_t n) const { return images ? n / images * first : 0; }

  /// The key of the step that `clock` counts, if there is one.
  TWEED_INLINE RandomKey at(const int32_t* clock) const {
    RandomKey key = *this;
    if (clock) key.step += uint32_t(clock[0]);
    return key;
  }
  TWEED_INLINE Random4 block(int64_t i) const {
    uint32_t high = uint32_t(uint64_t(i) >> 32);
    return philox(seed, uint32_t(i), (layer & 0xffffu) | high << 16, step, uint32_t(purpose));
  }
  /// The words of elements 4 i to 4 i + 3 of a launch that passes over `skip` words.
  TWEED_INLINE Random4 block(int64_t i, int64_t skip) const {
    const int64_t at = i + skip / 4;
    const int by = int(skip % 4);
    Random4 random = block(at);
    if (by == 0) return random;
    const Random4 next = block(at + 1);
    Random4 result;
    for (int k = 0; k < 4; ++k) result.v[k] = k + by < 4 ? random.v[k + by] : next.v[k + by - 4];
    return result;
  }
};

/// A key whose step goes on by itself: step + clock[0], read by the kernel when it runs. So a
/// recorded launch draws other numbers each time. An empty clock stands still.
struct ClockedKey {
  RandomKey key;
  Span<const int32_t> clock;

  ClockedKey(const RandomKey& k, Span<const int32_t> c = {}) : key(k), clock(c) {}
};

/// A host-side stream of random numbers for one use, named by up to two running numbers such as
/// (epoch, sample).
class Random {
 public:
  Random(uint64_t seed, Purpose purpose, uint32_t a = 0, uint32_t b = 0)
      : seed_(seed), purpose_(purpose), a_(a), b_(b) {}

  /// As after 4 * `blocks` calls of bits().
  void start_at(uint32_t blocks) {
    next_ = blocks;
    used_ = 4;
  }
  uint32_t bits() {
    if (used_ == 4) {
      block_ = philox(seed_, next_++, a_, b_, uint32_t(purpose_));
      used_ = 0;
    }
    return block_.v[used_++];
  }
  /// In [0, 1).
  float uniform() { return uniform_float(bits()); }
  float uniform(float lo, float hi) { return lo + (hi - lo) * uniform(); }
  double uniform_double() {
    uint64_t high = bits(), low = bits();
    return double((high << 32 | low) >> 11) * 0x1p-53;
  }
  /// Standard normal, by Box and Muller.
  float normal() {
    double r = std::sqrt(-2.0 * std::log(1.0 - uniform_double()));
    return float(r * std::cos(6.283185307179586 * uniform_double()));
  }
  /// In [0, n), without bias; n >= 1.
  uint32_t below(uint32_t n) {
    uint32_t limit = 0u - (0u - n) % n;  // the largest multiple of n that fits, or 0 for 2^32
    uint32_t x = bits();
    while (limit && x >= limit) x = bits();
    return x % n;
  }

 private:
  uint64_t seed_;
  Purpose purpose_;
  uint32_t a_, b_, next_ = 0;
  int used_ = 4;
  Random4 block_{};
};

}  // namespace tweed
