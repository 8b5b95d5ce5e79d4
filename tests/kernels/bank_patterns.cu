#include "kernels/machine/kernel.h"
#include "kernels/machine/tensor_cores.h"
#include "tests/kernels/bank_patterns.h"

namespace tweed {
namespace MACHINE {

// "ROW: a w c" behind an access: a accesses by the two warps take w wavefronts, c of them too many.
#define KERNEL(name) __global__ void name(const float* x, [[maybe_unused]] float* y)
#define T int(threadIdx.x)
#define LANE int(threadIdx.x % 32)
#define WARP int(threadIdx.x / 32)

KERNEL(strides) {
  __shared__ float s[2][1024];
  for (int i = LANE; i < 1024; i += 32) s[WARP][i] = x[i];  // ROW: store 64 64 0
  __syncwarp();
  float sum = s[WARP][LANE];     // ROW: load 2 2 0
  sum += s[WARP][2 * LANE];      // ROW: load 2 4 2
  sum += s[WARP][32 * LANE];     // ROW: load 2 64 62
  sum += s[WARP][33 * LANE];     // ROW: load 2 2 0
  sum += s[WARP][5];             // ROW: load 2 2 0
  sum += s[WARP][LANE / 2 * 3];  // ROW: load 2 2 0
  y[T] = sum;
}

KERNEL(columns) {
  __shared__ float s[32][32], padded[32][33];
  if (WARP == 0) {
    for (int i = 0; i < 32; ++i) s[i][LANE] = x[32 * i + LANE];       // ROW: store 32 32 0
    for (int i = 0; i < 32; ++i) padded[i][LANE] = x[32 * i + LANE];  // ROW: store 32 32 0
  }
  __syncthreads();
  float sum = 0;
  for (int i = 0; i < 32; ++i) sum += s[LANE][i];       // ROW: load 64 2048 1984
  for (int i = 0; i < 32; ++i) sum += padded[LANE][i];  // ROW: load 64 64 0
  y[T] = sum;
}

// Rows of 8 and 16 bytes side by side fill the banks evenly, those farther apart do not.
KERNEL(wide) {
  __shared__ __align__(16) double eight[192];
  __shared__ __align__(16) float sixteen[1792];
  eight[T] = x[T];                                 // ROW: store 2 4 0
  eight[64 + 2 * T] = x[T];                        // ROW: store 2 8 4
  memcpy(sixteen + 4 * T, x + 4 * T, 16);          // ROW: store 2 8 0
  memcpy(sixteen + 256 + 16 * T, x + 16 * T, 16);  // ROW: store 2 32 24
  memcpy(sixteen + 1280 + 8 * T, x + 8 * T, 32);   // ROW: store 4 32 16
  y[T] = sixteen[1280 + 8 * T];                    // ROW: load 2 16 14
  y[T] += float(eight[T]);                         // ROW: load 2 4 0
}

KERNEL(narrow) {
  __shared__ __align__(4) uint8_t bytes[320];
  __shared__ __align__(4) bf16 halves[192];
  bytes[T] = uint8_t(x[T]);                // ROW: store 2 2 0
  bytes[64 + 4 * T] = uint8_t(x[T]);       // ROW: store 2 2 0
  halves[64 + 2 * T] = store<bf16>(x[T]);  // ROW: store 2 2 0
  halves[T] = store<bf16>(x[T]);           // ROW: store 2 2 0
  __syncwarp();
  y[T] = load(halves[T]);  // ROW: load 2 2 0
  y[T] += bytes[T];        // ROW: load 2 2 0
}

// Rows of 64 bytes: 8 of them lie in two groups of banks, four times each. The piece of 16 bytes
// that row r keeps at c instead lies at c ^ (r / 2) % 4: all 8 in groups of their own.
KERNEL(matrices) {
  __shared__ __align__(128) float s[2][512];
  for (int i = LANE; i < 512; i += 32) s[WARP][i] = x[i];  // ROW: store 32 32 0
  __syncwarp();
  uint32_t to[4];
  const int row = LANE;
  ldmatrix(to, s[WARP] + 16 * row);                        // ROW: ldmatrix 2 32 24
  ldmatrix(to, s[WARP] + 16 * row + 4 * (row / 2 % 4));    // ROW: ldmatrix 2 8 0
  ldmatrix_trans(to, s[WARP] + 16 * row + 4 * (row % 2));  // ROW: ldmatrix 2 32 24
  y[T] = float(to[0]);
}

KERNEL(copies) {
  __shared__ __align__(128) float s[2048];
  cp_async(s + 4 * T, x + 4 * T, true);  // ROW: cp.async 2 8 0
  cp_async_commit();
  cp_async_wait<0>();
  __syncthreads();
  cp_async(s + 32 * T, x + 32 * T, T > 7);  // ROW: cp.async 2 64 56
  cp_async_commit();
  cp_async_wait<0>();
  y[T] = s[32 * T];  // ROW: load 2 64 62
}

// Lanes that take no part cost nothing, and after a barrier all begin anew.
KERNEL(some_lanes) {
  __shared__ __align__(16) float s[2048];
  for (int k = 0; k < 2; ++k) {
    for (int i = 0; i < (LANE + k) % 2 + 1; ++i) s[T + 64 * i] = x[T];  // ROW: store 8 8 0
    __syncthreads();
  }
  if (LANE < 8) memcpy(s + 4 * T, x + 4 * T, 16);  // ROW: store 2 2 0
}

// Of 3000 executions without a barrier 1024 count.
KERNEL(long_loop) {
  __shared__ float s[64];
  float sum = 0;
  s[T] = x[T];                                                    // ROW: store 2 2 0
  for (int i = 0; i < 3000; ++i) sum += ((volatile float*)s)[T];  // ROW: load 2048 2048 0
  y[T] = sum;
}

// Global memory: "SECTORS: a s" behind an access of s sectors, of 8 floats each, in all.
KERNEL(sectors) {
  float sum = x[T];                  // SECTORS: load 2 8
  sum += x[T + 65];                  // SECTORS: load 2 10
  sum += x[2 * T + 512];             // SECTORS: load 2 16
  sum += x[32 * T + 2];              // SECTORS: load 2 64
  sum += x[5];                       // SECTORS: load 2 2
  if (LANE < 3) sum += x[T + 1024];  // SECTORS: load 2 2
  y[T] = sum;                        // SECTORS: store 2 8
  float four[4];
  memcpy(four, x + 4 * T, 16);       // SECTORS: load 2 32
  memcpy(y + 64 + 4 * T, four, 16);  // SECTORS: store 2 32
  __shared__ __align__(16) float s[256];
  cp_async(s + 4 * T, x + 8 * T, true);  // SECTORS: cp.async 2 64 // ROW: cp.async 2 8 0
}

}  // namespace MACHINE
using namespace MACHINE;

template <class M>
void bank_pattern(M& here, BankPattern which, Span<const float> x, Span<float> y) {
#define LAUNCH(name) \
  if (which == BankPattern::name) return launch(MACHINE::name, {.block = {64}}, here, x, y);
  FOR_BANK_PATTERNS(LAUNCH)
#undef LAUNCH
}

template void bank_pattern(Here&, BankPattern, Span<const float>, Span<float>);

}  // namespace tweed
