// Element types: names at run time (DType), C++ types in kernels, and the bf16 type itself.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "kernels/machine/inline.h"

namespace tweed {

enum class DType : uint8_t { float32, float64, bfloat16, int32, uint8 };

/// The upper half of a float: 8 bits of exponent, 7 of fraction. A storage type only: kernels
/// load() it into float, compute there, and store() it back, rounding to nearest even.
struct bf16 {
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
/// The type that arithmetic on T is done in: float for bf16, else T itself.
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

template <class T>
TWEED_INLINE acc_t<T> load(T x) {
  if constexpr (std::is_same_v<T, bf16>)
    return bits_float(uint32_t(x.bits) << 16);
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
  } else {
    return x;
  }
}

/// The DType of a C++ type; what has none is refused by the compiler.
template <class T>
constexpr DType dtype_of() {
  static_assert(std::is_same_v<T, float> || std::is_same_v<T, double> || std::is_same_v<T, bf16> ||
                    std::is_same_v<T, int32_t> || std::is_same_v<T, uint8_t>,
                "tensors hold float, double, bf16, int32_t or uint8_t: convert to one of these");
  if constexpr (std::is_same_v<T, float>) return DType::float32;
  if constexpr (std::is_same_v<T, double>) return DType::float64;
  if constexpr (std::is_same_v<T, bf16>) return DType::bfloat16;
  if constexpr (std::is_same_v<T, int32_t>) return DType::int32;
  return DType::uint8;
}
constexpr std::size_t size_of(DType t) {
  switch (t) {
    case DType::float64: return 8;
    case DType::float32:
    case DType::int32: return 4;
    case DType::bfloat16: return 2;
    default: return 1;
  }
}
constexpr const char* name_of(DType t) {
  switch (t) {
    case DType::float32: return "float32";
    case DType::float64: return "float64";
    case DType::bfloat16: return "bfloat16";
    case DType::int32: return "int32";
    default: return "uint8";
  }
}
constexpr bool is_floating(DType t) { return t <= DType::bfloat16; }

}  // namespace tweed

/// X(T) for each type that has gradients; kernel files use it to instantiate their launchers.
#define FOR_FLOATING_TYPES(X) X(float) X(double) X(::tweed::bf16)
#define FOR_ALL_TYPES(X) FOR_FLOATING_TYPES(X) X(int32_t) X(uint8_t)
