#include <atomic>
#include <cstdlib>
#include <string>

#include "kernels/conv/register_tile.h"
#include "kernels/conv/winograd_transform.h"
#include "kernels/machine/error.h"
#include "kernels/machine/printable.h"

namespace tweed {

#define DECLARE(level)                                        \
  namespace tiles::level {                                    \
  const TileKernel<float>& float_kernel();                    \
  const TileKernel<double>& double_kernel();                  \
  const WinogradTransforms<float>& float_transforms(int m);   \
  const WinogradTransforms<double>& double_transforms(int m); \
  }
DECLARE(baseline)
DECLARE(avx2)
DECLARE(avx512)
#undef DECLARE

namespace {

using enum SimdLevel;

void check(SimdLevel level) {
  if (!has_simd(level)) throw Error(std::string("this processor has no ") + name_of(level));
}

SimdLevel first_level() {
  const char* wanted = std::getenv("TWEED_SIMD");
  for (SimdLevel level : {avx512, avx2, baseline})
    if (wanted ? wanted == std::string(name_of(level)) : has_simd(level)) {
      check(level);
      return level;
    }
  throw Error("TWEED_SIMD is " + in_quotes(wanted, 60) + ": use baseline, avx2 or avx512");
}

std::atomic<SimdLevel>& current() {
  static std::atomic<SimdLevel> level{first_level()};
  return level;
}

}  // namespace

const char* name_of(SimdLevel level) {
  return level == baseline ? "baseline" : level == avx2 ? "avx2" : "avx512";
}

bool has_simd(SimdLevel level) {
  if (level == baseline) return true;
  if (level == avx2) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  for (bool has :
       {bool(__builtin_cpu_supports("avx512f")), bool(__builtin_cpu_supports("avx512bw")),
        bool(__builtin_cpu_supports("avx512cd")), bool(__builtin_cpu_supports("avx512dq")),
        bool(__builtin_cpu_supports("avx512vl"))})
    if (!has) return false;
  return true;
}

void set_simd_level(SimdLevel level) {
  check(level);
  current() = level;
}
SimdLevel simd_level() { return current(); }

// What `function` gives where it was compiled for simd_level().
#define AT_THIS_LEVEL(function)                     \
  (simd_level() == avx512 ? tiles::avx512::function \
   : simd_level() == avx2 ? tiles::avx2::function   \
                          : tiles::baseline::function)
template <>
const TileKernel<float>& tile_kernel() {
  return AT_THIS_LEVEL(float_kernel());
}
template <>
const TileKernel<double>& tile_kernel() {
  return AT_THIS_LEVEL(double_kernel());
}
template <>
const WinogradTransforms<float>& winograd_transforms(int m) {
  return AT_THIS_LEVEL(float_transforms(m));
}
template <>
const WinogradTransforms<double>& winograd_transforms(int m) {
  return AT_THIS_LEVEL(double_transforms(m));
}

}  // namespace tweed
