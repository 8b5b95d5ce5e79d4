// Ranges and reductions for `cpu`, where a block is a single thread. The meaning of each is
// documented in index.h. Included inside namespace tweed::cpu.

struct Contiguous {
  int64_t first, last;
  struct Iterator {
    int64_t i;
    TWEED_INLINE int64_t operator*() const { return i; }
    TWEED_INLINE void operator++() { ++i; }
    TWEED_INLINE bool operator!=(int64_t end) const { return i < end; }
  };
  TWEED_INLINE Iterator begin() const { return {first}; }
  TWEED_INLINE int64_t end() const { return last; }
};

/// This block's part of [0, n).
TWEED_INLINE Contiguous share(int64_t n) {
  int64_t b = blockIdx.x, g = gridDim.x;
  // n * b / g without overflow for n up to 2^63
  return {n / g * b + n % g * b / g, n / g * (b + 1) + n % g * (b + 1) / g};
}
TWEED_INLINE Contiguous grid_stride(int64_t n) { return share(n); }
TWEED_INLINE Contiguous grid_blocks(int64_t n) { return share(n); }
TWEED_INLINE Contiguous grid_rows(int64_t n) { return share(n); }
TWEED_INLINE Contiguous block_stride(int64_t n) { return {0, n}; }
TWEED_INLINE Contiguous block_rows(int64_t n) { return {0, n}; }

// `omp simd reduction` lets these vectorise without -ffast-math: reordering is granted loop by
// loop.
template <class F>
TWEED_INLINE auto block_sum(int64_t n, F f) {
  decltype(f(n)) v = 0;
#pragma omp simd reduction(+ : v)
  for (int64_t i = 0; i < n; ++i) v += f(i);
  return v;
}
template <class F>
TWEED_INLINE auto warp_sum(int64_t n, F f) {
  return block_sum(n, f);
}
template <class A>
struct SumPair {
  A a, b;
};
template <class F>
TWEED_INLINE auto warp_sums(int64_t n, F f) {
  using Sums = decltype(f(n));
  decltype(Sums::a) a = 0, b = 0;
#pragma omp simd reduction(+ : a, b)
  for (int64_t i = 0; i < n; ++i) {
    const Sums term = f(i);
    a += term.a;
    b += term.b;
  }
  return Sums{a, b};
}
/// Of numbers or SumPairs.
template <class F>
TWEED_INLINE auto column_sum(int64_t n, F f) {
  if constexpr (std::is_arithmetic_v<decltype(f(n))>)
    return block_sum(n, f);
  else
    return warp_sums(n, f);
}
/// The maximum, which is NaN as soon as one value is: the second reduction counts those.
template <class F>
TWEED_INLINE auto warp_max(int64_t n, F f) {
  using A = decltype(f(n));
  A v = -A(INFINITY);
  int nans = 0;
#pragma omp simd reduction(max : v) reduction(+ : nans)
  for (int64_t i = 0; i < n; ++i) {
    A x = f(i);
    v = x > v ? x : v;
    nans += x != x;
  }
  return nans ? A(NAN) : v;
}
/// Looks at stretches as a whole, which vectorises, and closer at the one where f holds.
template <class F>
TWEED_INLINE int64_t warp_first(int64_t n, F f) {
  constexpr int64_t stretch = 256;
  for (int64_t begin = 0; begin < n; begin += stretch) {
    const int64_t end = begin + stretch < n ? begin + stretch : n;
    int found = 0;
#pragma omp simd reduction(| : found)
    for (int64_t i = begin; i < end; ++i) found |= f(i);
    for (int64_t i = begin; found && i < end; ++i)
      if (f(i)) return i;
  }
  return n;
}
