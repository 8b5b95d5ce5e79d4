// Compiled once for each SimdLevel, with its flags and TWEED_SIMD_LEVEL = its name. Only this one
// header and no inline function of another: a copy compiled for AVX-512 could win at link time.
#include "kernels/conv/register_tile.h"

namespace tweed::tiles::TWEED_SIMD_LEVEL {
namespace {

#if defined(__AVX512F__)
constexpr int vector_bytes = 64, most_vectors = 4;  // of 32 registers
#elif defined(__AVX2__)
constexpr int vector_bytes = 32, most_vectors = 2;  // of 16 registers
#else
constexpr int vector_bytes = 16, most_vectors = 2;
#endif

// Vectors that may lie anywhere in memory, and those that live in registers.
template <class T>
struct Vectors;
template <>
struct Vectors<float> {
  typedef float Loaded __attribute__((vector_size(vector_bytes), aligned(4), may_alias));
  typedef float Vector __attribute__((vector_size(vector_bytes)));
};
template <>
struct Vectors<double> {
  typedef double Loaded __attribute__((vector_size(vector_bytes), aligned(8), may_alias));
  typedef double Vector __attribute__((vector_size(vector_bytes)));
};

// The loops over R and V unroll, so that the sums become registers.
template <class T, int R, int V>
void run(const Tile<T>& t) {
  using Loaded = typename Vectors<T>::Loaded;
  using Vector = typename Vectors<T>::Vector;
  constexpr int lanes = vector_bytes / int(sizeof(T));
  auto load = [](const T* p) { return Vector(*reinterpret_cast<const Loaded*>(p)); };

  Vector sum[R][V];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v) sum[r][v] = t.start ? load(t.start + v * lanes) : Vector{};
  }
  const T* a[R];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) a[r] = t.a[r];
  const T* const b = t.b;
  const auto add = [&](const TileStep& step) __attribute__((always_inline)) {
    const int64_t at = step.a;
    const T* p = b + step.b;
    Vector bs[V];
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v) bs[v] = load(p + v * lanes);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const Vector ar = a[r][at] - Vector{};  // in every lane
#pragma GCC unroll 8
      for (int v = 0; v < V; ++v) sum[r][v] += ar * bs[v];
    }
  };
  // Two steps a round: where two threads share a core, what limits it is the number of
  // instructions.
  const TileStep *step = t.steps, *end = step + t.k;
  if (t.ahead) {
    const char* ahead = t.ahead;
    for (; end - step >= 2; step += 2, ahead += 128) {
#pragma GCC unroll 2
      for (int i = 0; i < 2; ++i) {
        __builtin_prefetch(ahead + 64 * i, 0, 2);
        add(step[i]);
      }
    }
  } else {
    for (; end - step >= 2; step += 2) {
#pragma GCC unroll 2
      for (int i = 0; i < 2; ++i) add(step[i]);
    }
  }
  for (; step != end; ++step) add(*step);

  T* c[R];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) c[r] = t.c[r];
  const bool relu = t.relu;
  if (t.accumulate)
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
      for (int v = 0; v < V; ++v) sum[r][v] += load(c[r] + v * lanes);
  if (relu)
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
      for (int v = 0; v < V; ++v) sum[r][v] = sum[r][v] <= 0 ? Vector{} : sum[r][v];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v) *reinterpret_cast<Loaded*>(c[r] + v * lanes) = sum[r][v];
}

template <class T, int V>
void run_rows(const Tile<T>& t) {
  switch (t.rows) {
    case 1:
      return run<T, 1, V>(t);
    case 2:
      return run<T, 2, V>(t);
    case 3:
      return run<T, 3, V>(t);
    case 4:
      return run<T, 4, V>(t);
    case 5:
      return run<T, 5, V>(t);
    default:
      run<T, 6, V>(t);
  }
}

template <class T>
void run_any(const Tile<T>& t) {
  if (t.vectors == 1) return run_rows<T, 1>(t);
  if constexpr (most_vectors == 4) {
    if (t.vectors == 3) return run_rows<T, 3>(t);
    if (t.vectors == 4) return run_rows<T, 4>(t);
  } else if (t.vectors == 3) {
    return t.rows == 1 ? run<T, 1, 3>(t) : t.rows == 2 ? run<T, 2, 3>(t) : run<T, 3, 3>(t);
  }
  run_rows<T, 2>(t);
}

template <class T>
constexpr TileKernel<T> kernel_of{vector_bytes / int(sizeof(T)), most_vectors,
                                  most_vectors == 4 ? 4 : 3, run_any<T>};

}  // namespace

const TileKernel<float>& float_kernel() { return kernel_of<float>; }
const TileKernel<double>& double_kernel() { return kernel_of<double>; }

}  // namespace tweed::tiles::TWEED_SIMD_LEVEL
