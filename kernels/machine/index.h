// Ranges over indexes, and reductions: the vocabulary in which kernels are written. Included inside
// namespace tweed::cuda and tweed::sim; cpu/index.h has the same for `cpu`.
//
// Each thread walks its own strided indexes. A kernel is written as nested ranges, rows outside and
// channels inside, so that on `cpu` the innermost loop is contiguous and vectorises. Loop variables
// are int64_t: grids address more than 2^31 elements.

struct Strided {
  int64_t first, last, step;
  struct Iterator {
    int64_t i, step;
    __device__ int64_t operator*() const { return i; }
    __device__ void operator++() {
      i += step;
#ifdef __CUDA_ARCH__
      // Hides from nvcc how often a loop runs: it would unroll it and divide 64-bit numbers first,
      // 70 instructions, where most threads have one index or two.
      asm("" : "+l"(i));
#endif
    }
    __device__ bool operator!=(int64_t last) const { return i < last; }
  };
  __device__ Iterator begin() const { return {first, step}; }
  __device__ int64_t end() const { return last; }
};

/// The threads of the whole grid share out [0, n). Blocks are one-dimensional.
__device__ inline Strided grid_stride(int64_t n) {
  require_flat_block("grid_stride");
  return {int64_t(blockIdx.x) * blockDim.x + threadIdx.x, n, int64_t(gridDim.x) * blockDim.x};
}
/// The blocks of the grid share out [0, n).
__device__ inline Strided grid_blocks(int64_t n) { return {int64_t(blockIdx.x), n, gridDim.x}; }
/// The rows (threadIdx.y) of all blocks share out [0, n).
__device__ inline Strided grid_rows(int64_t n) {
  return {int64_t(blockIdx.x) * blockDim.y + threadIdx.y, n, int64_t(gridDim.x) * blockDim.y};
}
/// The threads of a row (threadIdx.x) share out [0, n).
__device__ inline Strided block_stride(int64_t n) { return {int64_t(threadIdx.x), n, blockDim.x}; }
/// The rows (threadIdx.y) of this block share out [0, n).
__device__ inline Strided block_rows(int64_t n) { return {int64_t(threadIdx.y), n, blockDim.y}; }

constexpr int warp_size = 32;

/// Combines v over a warp by a butterfly of shuffles; every lane gets the result.
template <class T, class Op>
__device__ inline T warp_reduce(T v, Op op) {
  for (int d = warp_size / 2; d > 0; d /= 2) v = op(v, __shfl_xor_sync(0xffffffffu, v, d));
  return v;
}
/// Two sums at a time.
template <class A>
struct SumPair {
  A a, b;
  __device__ SumPair& operator+=(const SumPair& o) {
    a += o.a;
    b += o.b;
    return *this;
  }
};
/// The threads of a row of the block add f(0) ... f(n-1), each a SumPair; all of them get the
/// sums. blockDim.x is warp_size, and all of a row call it together.
template <class F>
__device__ inline auto warp_sums(int64_t n, F f) {
  require_rows_of_warps("warp_sums");
  decltype(f(n)) v = {0, 0};
  for (int64_t i = threadIdx.x; i < n; i += warp_size) {
    const auto term = f(i);
    v.a += term.a;
    v.b += term.b;
  }
  auto plus = [](auto a, auto b) { return a + b; };
  v.a = warp_reduce(v.a, plus);
  v.b = warp_reduce(v.b, plus);
  return v;
}
/// The same for a single sum.
template <class F>
__device__ inline auto warp_sum(int64_t n, F f) {
  require_rows_of_warps("warp_sum");
  decltype(f(n)) v = 0;
  for (int64_t i = threadIdx.x; i < n; i += warp_size) v += f(i);
  return warp_reduce(v, [](auto a, auto b) { return a + b; });
}
/// The maximum of f(0) ... f(n-1); NaN if one of them is, minus infinity if n is 0.
template <class F>
__device__ inline auto warp_max(int64_t n, F f) {
  require_rows_of_warps("warp_max");
  using A = decltype(f(n));
  auto larger = [](A a, A b) { return a > b || a != a ? a : b; };
  A v = -A(INFINITY);
  for (int64_t i = threadIdx.x; i < n; i += warp_size) v = larger(f(i), v);
  return warp_reduce(v, larger);
}
/// The smallest of 0 ... n-1 for which f holds, n if there is none.
template <class F>
__device__ inline int64_t warp_first(int64_t n, F f) {
  require_rows_of_warps("warp_first");
  int64_t first = n;
  for (int64_t i = threadIdx.x; i < n; i += warp_size)
    if (first == n && f(i)) first = i;
  return warp_reduce(first, [](int64_t a, int64_t b) { return a < b ? a : b; });
}
/// Combines v over a one-dimensional block of whole warps; every thread gets the result.
template <class T, class Op>
__device__ inline T block_reduce(T v, Op op, T identity) {
  require_flat_block("block_reduce");
  require_whole_warps("block_reduce");
  __shared__ T per_warp[warp_size];
  const int lane = threadIdx.x % warp_size, warp = threadIdx.x / warp_size;
  v = warp_reduce(v, op);
  __syncthreads();  // the readers of an earlier call are done
  if (lane == 0) per_warp[warp] = v;
  __syncthreads();
  const int warps = blockDim.x / warp_size;
  return warp_reduce(lane < warps ? per_warp[lane] : identity, op);
}

/// The threads of a column of the block, those with the same threadIdx.x, add f(0) ... f(n-1),
/// numbers or SumPairs; all of them get the sum. The whole block calls it together; it has at most
/// 1,024 threads, and blockDim.y is a power of two.
template <class F>
__device__ inline auto column_sum(int64_t n, F f) {
  using A = decltype(f(n));
  __shared__ A cells[1024];
  A v = {};
  const int64_t step = blockDim.y;
  int64_t i = threadIdx.y;
  for (; i + 3 * step < n; i += 4 * step) {  // four on their way at once, see packs.h
    const A a = f(i), b = f(i + step), c = f(i + 2 * step), d = f(i + 3 * step);
    v += a;
    v += b;
    v += c;
    v += d;
  }
#pragma unroll 1
  for (; i < n; i += step) v += f(i);
  A* const mine = cells + threadIdx.y * blockDim.x + threadIdx.x;
  __syncthreads();  // the readers of an earlier call are done
  *mine = v;
  for (int d = int(blockDim.y) / 2; d > 0; d /= 2) {
    __syncthreads();
    if (int(threadIdx.y) < d) *mine += mine[d * int(blockDim.x)];
  }
  __syncthreads();
  return cells[threadIdx.x];
}

/// The block adds f(0) ... f(n-1); every thread gets the sum.
template <class F>
__device__ inline auto block_sum(int64_t n, F f) {
  using A = decltype(f(n));
  A v = 0;
  for (int64_t i : block_stride(n)) v += f(i);
  return block_reduce(
      v, [](A a, A b) { return a + b; }, A(0));
}
