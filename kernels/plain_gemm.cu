#include "kernels/gemm.h"
#include "kernels/machine/kernel.h"

namespace tweed {
namespace MACHINE {

// A row of threads per row of C. Without transpose_b, C's row is built up from rows of B, which is
// contiguous; with it, each element is a dot product.
template <class T>
__global__ void plain_gemm_kernel(Gemm g, const T* __restrict__ a, const T* __restrict__ b,
                                  T* __restrict__ c) {
  using A = acc_t<T>;
  for (int64_t row : grid_rows(g.batch * g.m)) {
    const int64_t batch = row / g.m, i = row % g.m;
    const T* ai = a + batch * g.stride_a + (g.transpose_a ? i : i * g.lda);
    const T* bi = b + batch * g.stride_b;
    T* ci = c + batch * g.stride_c + i * g.ldc;
    const int64_t step_a = g.transpose_a ? g.lda : 1;
    const int64_t step_k = g.transpose_b ? 1 : g.ldb, step_n = g.transpose_b ? g.ldb : 1;
    for (int64_t j : block_stride(g.n)) {
      A sum = g.accumulate ? load(ci[j]) : A(0);
      for (int64_t k = 0; k < g.k; ++k) sum += load(ai[k * step_a]) * load(bi[k * step_k + j * step_n]);
      ci[j] = store<T>(sum);
    }
  }
}

}  // namespace MACHINE
using namespace MACHINE;

template <class M, class T>
void plain_gemm(M& here, const Gemm& g, Span<const T> a, Span<const T> b, Span<T> c) {
  launch(plain_gemm_kernel<T>, {.grid = ceil_div(g.batch * g.m, 8),
          .block = {32, 8},
          .work = g.batch * g.m * g.n * g.k},
         here, g, a, b, c);
}

#define INSTANTIATE(T) \
  template void plain_gemm(Here&, const Gemm&, Span<const T>, Span<const T>, Span<T>);
FOR_FLOATING_TYPES(INSTANTIATE)

}  // namespace tweed
