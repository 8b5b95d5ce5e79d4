// Element types: names at run time (DType), C++ types in kernels, and the types of 16 bits.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "kernels/machine/inline.h"

namespace tweed {

enum class DType : uint8_t { float32, float64, bfloat16, float16, int32, uint8 };

/// The upper half of a float: 8 bits of exponent, 7 of fraction. A storage type only: kernels
/// load() it into float, compute there, and store() it back, rounding to nearest even.
struct bf16 {
  uint16_t bits;
};
/// IEEE 754's half: 5 bits of exponent, 10 of fraction, so from 6e-8 to 65504. Tensors and files
/// hold it, and it is copied, cast and compared; no operation computes in it.
struct f16 {
  uint16_t bits;
};

template <class T>
struct AccumulatorOf {
  using type = T;
};
template <>
struct AccumulatorOf<bf16> {
  using type = float;
};
template <>
struct AccumulatorOf<f16> {
  using type = float;
};
/// The type that arithmetic on T is done in: float for bf16 and f16, else T itself.
template <class T>
using acc_t = typename AccumulatorOf<std::remove_const_t<T>>::type;

TWEED_INLINE uint32_t float_bits(float x) {
  uint32_t u;
  memcpy(&u, &x, sizeof u);
  return u;
}
TWEED_INLINE float bits_float(uint32_t u) {
  float x;
  memcpy(&x, &u, sizeof x);
  return x;
}

TWEED_INLINE float half_to_float(uint16_t half) {
  float x;
#ifdef __CUDA_ARCH__
  asm("cvt.f32.f16 %0, %1;" : "=f"(x) : "h"(half));
#else
  // Exponents count from 15 there and from 127 here. Infinity and NaN have the largest of both.
  // A number below the smallest exponent is its fraction times 2^-24: what it adds to 2^-14.
  const uint32_t place = (half & 0x7fffu) << 13, exponent = place & 0x0f800000u;
  const uint32_t subnormal = float_bits(bits_float(place + 0x38800000u) - 0x1p-14f);
  const uint32_t size = exponent == 0             ? subnormal
                        : exponent == 0x0f800000u ? place + (224u << 23)
                                                  : place + (112u << 23);
  x = bits_float((half & 0x8000u) << 16 | size);
#endif
  return x;
}
/// The nearest half, of two as near the even one; infinity from 65520 on.
TWEED_INLINE uint16_t float_to_half(float x) {
  uint16_t half;
#ifdef __CUDA_ARCH__
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(half) : "f"(x));
#else
  const uint32_t bits = float_bits(x), size = bits & 0x7fffffffu;
  // Adding 0.5 leaves the multiples of 2^-24 in the last bits of the sum, rounded.
  const uint32_t subnormal = float_bits(bits_float(size) + 0.5f) - 0x3f000000u;
  const uint32_t normal = size - (112u << 23) + 0xfffu + (size >> 13 & 1u);
  const uint32_t rounded = size > 0x7f800000u    ? 0x7e00u  // NaN
                           : size >= 0x477ff000u ? 0x7c00u  // 65520
                           : size < 0x38800000u  ? subnormal
                                                 : normal >> 13;
  half = uint16_t((bits >> 16 & 0x8000u) | rounded);
#endif
  return half;
}

template <class T>
TWEED_INLINE acc_t<T> load(T x) {
  if constexpr (std::is_same_v<T, bf16>)
    return bits_float(uint32_t(x.bits) << 16);
  else if constexpr (std::is_same_v<T, f16>)
    return half_to_float(x.bits);
  else
    return x;
}
template <class T>
TWEED_INLINE T store(acc_t<T> x) {
  if constexpr (std::is_same_v<T, bf16>) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
    uint16_t bits;
    asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(bits) : "f"(x));
    return bf16{bits};
#else
    uint32_t u = float_bits(x);
    uint32_t rounded = (u + 0x7fffu + (u >> 16 & 1u)) >> 16;
    return bf16{uint16_t((u & 0x7fffffffu) > 0x7f800000u ? (u >> 16 | 0x40u) : rounded)};
#endif
  } else if constexpr (std::is_same_v<T, f16>) {
    return f16{float_to_half(x)};
  } else {
    return x;
  }
}

/// The DType of a C++ type; what has none is refused by the compiler.
template <class T>
constexpr DType dtype_of() {
  static_assert(std::is_same_v<T, float> || std::is_same_v<T, double> || std::is_same_v<T, bf16> ||
                    std::is_same_v<T, f16> || std::is_same_v<T, int32_t> ||
                    std::is_same_v<T, uint8_t>,
                "tensors hold float, double, bf16, f16, int32_t or uint8_t: convert to one of "
                "these");
  if constexpr (std::is_same_v<T, float>) return DType::float32;
  if constexpr (std::is_same_v<T, double>) return DType::float64;
  if constexpr (std::is_same_v<T, bf16>) return DType::bfloat16;
  if constexpr (std::is_same_v<T, f16>) return DType::float16;
  if constexpr (std::is_same_v<T, int32_t>) return DType::int32;
  return DType::uint8;
}
constexpr std::size_t size_of(DType t) {
  switch (t) {
    case DType::float64:
      return 8;
    case DType::float32:
    case DType::int32:
      return 4;
    case DType::bfloat16:
    case DType::float16:
      return 2;
    default:
      return 1;
  }
}
constexpr const char* name_of(DType t) {
  switch (t) {
    case DType::float32:
      return "float32";
    case DType::float64:
      return "float64";
    case DType::bfloat16:
      return "bfloat16";
    case DType::float16:
      return "float16";
    case DType::int32:
      return "int32";
    default:
      return "uint8";
  }
}
constexpr bool is_floating(DType t) { return t <= DType::float16; }
/// Whether operations compute in t: of floating types, in all but float16.
constexpr bool is_computed(DType t) { return t <= DType::bfloat16; }

}  // namespace tweed

/// X(T) for each type that operations compute in; kernel files use it to instantiate their
/// launchers. FOR_ALL_TYPES is for those that copy, convert and compare.
#define FOR_FLOATING_TYPES(X) X(float) X(double) X(::tweed::bf16)
#define FOR_ALL_TYPES(X) FOR_FLOATING_TYPES(X) X(::tweed::f16) X(int32_t) X(uint8_t)
