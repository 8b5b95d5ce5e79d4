// Numbers of 16 bits as IEEE 754 has them, which files hold and tensors do not.
#pragma once
#include <bit>
#include <cstdint>

namespace tweed {

inline float half_to_float(uint16_t h) {
  const uint32_t sign = uint32_t(h & 0x8000) << 16, exponent = h >> 10 & 31, fraction = h & 1023;
  if (exponent == 31) return std::bit_cast<float>(sign | 0x7f800000 | fraction << 13);
  if (exponent > 0) return std::bit_cast<float>(sign | (exponent + 112) << 23 | fraction << 13);
  const float subnormal = float(fraction) * 0x1p-24f;
  return sign ? -subnormal : subnormal;
}

/// The nearest half, of two as near the even one; infinity from 65520 on.
inline uint16_t float_to_half(float f) {
  const auto bits = std::bit_cast<uint32_t>(f);
  const auto sign = uint16_t(bits >> 16 & 0x8000);
  const uint32_t size = bits & 0x7fffffff;
  if (size > 0x7f800000) return sign | 0x7e00;   // NaN
  if (size >= 0x477ff000) return sign | 0x7c00;  // 65520
  if (size < 0x38800000) {                       // below the smallest normal half
    // Adding 0.5 leaves the multiples of 2^-24 in the last bits of the sum, rounded.
    const float sum = std::bit_cast<float>(size) + 0.5f;
    return uint16_t(sign | (std::bit_cast<uint32_t>(sum) - std::bit_cast<uint32_t>(0.5f)));
  }
  const uint32_t odd = size >> 13 & 1;
  return uint16_t(sign | (size - (112u << 23) + 0xfff + odd) >> 13);
}

}  // namespace tweed
