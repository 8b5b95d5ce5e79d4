#include <atomic>
#include <cstdlib>
#include <string>

#include "kernels/conv/register_tile.h"
#include "kernels/machine/error.h"
#include "kernels/machine/printable.h"

namespace tweed {

#define DECLARE(level)                       \
  namespace tiles::level {                   \
  const TileKernel<float>& float_kernel();   \
  const TileKernel<double>& double_kernel(); \
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

template <>
const TileKernel<float>& tile_kernel() {
  const SimdLevel level = simd_level();
  return level == avx512 ? tiles::avx512::float_kernel()
         : level == avx2 ? tiles::avx2::float_kernel()
                         : tiles::baseline::float_kernel();
}
template <>
const TileKernel<double>& tile_kernel() {
  const SimdLevel level = simd_level();
  return level == avx512 ? tiles::avx512::double_kernel()
         : level == avx2 ? tiles::avx2::double_kernel()
                         : tiles::baseline::double_kernel();
}

}  // namespace tweed
