#include "kernels/gemm.h"
#include "kernels/machine/kernel.h"

namespace tweed {
namespace MACHINE {

constexpr int tile = 16;

// A block computes 16x16 elements of C. For each 16 steps of k it loads a tile of A and one of B
// into shared memory, so that every element is read from global memory k/16 times less often. The
// padding column puts the rows of a tile into different banks.
template <class T, class C>
__global__ void tiled_gemm_kernel(Gemm g, const T* __restrict__ a, const T* __restrict__ b,
                                  C* __restrict__ c) {
  using A = acc_t<T>;
  __shared__ A a_tile[tile][tile + 1];
  __shared__ A b_tile[tile][tile + 1];
  const int x = threadIdx.x, y = threadIdx.y;
  const int64_t across = (g.n + tile - 1) / tile, down = (g.m + tile - 1) / tile;
  for (int64_t t : grid_blocks(g.batch * down * across)) {
    const int64_t batch = t / (down * across);
    const int64_t i = t / across % down * tile + y, j = t % across * tile + x;
    const T* ab = a + batch * g.stride_a;
    const T* bb = b + batch * g.stride_b;
    C* cb = c + batch * g.stride_c;
    A sum = 0;
    for (int64_t k0 = 0; k0 < g.k; k0 += tile) {
      const int64_t ka = k0 + x, kb = k0 + y;
      a_tile[y][x] = i < g.m && ka < g.k
                         ? load(ab[g.transpose_a ? ka * g.lda + i : i * g.lda + ka])
                         : A(0);
      b_tile[y][x] = kb < g.k && j < g.n
                         ? load(bb[g.transpose_b ? j * g.ldb + kb : kb * g.ldb + j])
                         : A(0);
      __syncthreads();
      for (int k = 0; k < tile; ++k) sum += a_tile[y][k] * b_tile[k][x];
      __syncthreads();
    }
    if (i < g.m && j < g.n) {
      C& out = cb[i * g.ldc + j];
      out = store<C>(g.accumulate ? load(out) + sum : sum);
    }
  }
}

}  // namespace MACHINE
using namespace MACHINE;

template <class M, class T, class C>
void tiled_gemm(M& here, const Gemm& g, Span<const T> a, Span<const T> b, Span<C> c) {
  launch(tiled_gemm_kernel<T, C>,
         {.grid = g.batch * ceil_div(g.m, tile) * ceil_div(g.n, tile), .block = {tile, tile}}, here,
         g, a, b, c);
}

#define INSTANTIATE(T) \
  template void tiled_gemm(Here&, const Gemm&, Span<const T>, Span<const T>, Span<T>);
FOR_FLOATING_TYPES(INSTANTIATE)
template void tiled_gemm(Here&, const Gemm&, Span<const bf16>, Span<const bf16>, Span<float>);

}  // namespace tweed
