#include "kernels/machine/cpu/peak.h"

#include <omp.h>

#include <algorithm>
#include <chrono>

namespace tweed::cpu {

// The widest vectors of this build's processor.
#ifdef __AVX512F__
using Vector = float __attribute__((vector_size(64)));
#else
using Vector = float __attribute__((vector_size(32)));
#endif

static float burn(long rounds) {
  constexpr int independent = 12;  // covers the latency of two FMA units
  Vector sum[independent], a = Vector{} + 0.999f, b = Vector{} + 1e-6f;
  for (int i = 0; i < independent; ++i) sum[i] = Vector{} + float(i);  // equal sums would be merged
  for (long r = 0; r < rounds; ++r)
    for (auto& s : sum) s = s * a + b;
  float total = 0;
  for (auto& s : sum) total += s[0];
  return total;
}

double fma_peak(int threads) {
  constexpr long rounds = 1'000'000;
  constexpr double flops = double(rounds) * 12 * 2 * (sizeof(Vector) / sizeof(float));
  double best = 0;
  volatile float keep = 0;
  for (int repeat = 0; repeat < 60; ++repeat) {  // a fifth of a second: other programs come and go
    auto start = std::chrono::steady_clock::now();
#pragma omp parallel num_threads(threads)
    {
      float mine = burn(rounds);
#pragma omp critical
      keep = keep + mine;
    }
    std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
    best = std::max(best, flops * threads / time.count() / 1e9);
  }
  return best;
}

}  // namespace tweed::cpu
