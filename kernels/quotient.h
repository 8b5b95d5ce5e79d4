// Division by a number that is known before the launch: a GPU has no instruction for it.
#pragma once
#include <cstdint>

#include "kernels/machine/inline.h"

namespace tweed {

/// n / divisor for 0 <= n < 2^31, by a multiplication and a shift. With 2^shift the power of two
/// not below the divisor, 2^32 (2^shift / divisor - 1), rounded up, fits into 32 bits. Source:
/// Granlund, Montgomery 1994, "Division by invariant integers using multiplication"
struct Quotient {
  uint32_t multiplier = 1, shift = 0;

  Quotient() = default;
  explicit Quotient(int divisor) {
    while ((int64_t(1) << shift) < divisor) ++shift;
    multiplier = uint32_t(((uint64_t(1) << 32) * ((uint64_t(1) << shift) - uint64_t(divisor))) /
                              uint64_t(divisor) +
                          1);
  }
  TWEED_INLINE int of(int n) const {
#ifdef __CUDA_ARCH__
    const uint32_t product = __umulhi(multiplier, uint32_t(n));
#else
    const uint32_t product = uint32_t((uint64_t(multiplier) * uint32_t(n)) >> 32);
#endif
    return int((product + uint32_t(n)) >> shift);
  }
};

}  // namespace tweed
