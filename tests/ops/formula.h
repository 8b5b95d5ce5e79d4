// Numbers that Python and C++ compute alike: the formula of tests/golden/README.md.
#pragma once
#include <cstdint>

namespace tweed {

inline uint32_t formula_bits(uint32_t h) {
  h ^= h >> 16;
  h *= 0x85ebca6bu;
  h ^= h >> 13;
  h *= 0xc2b2ae35u;
  return h ^ (h >> 16);
}
/// Number i of a salt, in [-1, 1).
inline double formula(uint32_t i, uint32_t salt) {
  return formula_bits(i + formula_bits(salt)) * 0x1p-31 - 1.0;
}

}  // namespace tweed
