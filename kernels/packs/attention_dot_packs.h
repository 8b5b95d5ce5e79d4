// dot[n, head, token] = dy . y for a GPU: a few threads for each row, see packs.h. For
// attention.cu, inside namespace tweed::MACHINE.

#include "kernels/packs/row_lanes.h"

constexpr int dot_lanes = 8;  // 64 channels of bf16

template <class T>
__global__ void __launch_bounds__(pack_threads)
    attention_dot_packs_kernel(AttentionShape a, Quotient tokens, Quotient heads, int64_t rows,
                               const T* __restrict__ y, const T* __restrict__ dy,
                               acc_t<T>* __restrict__ dot) {
  RowLanes<dot_lanes, T>::for_each_row(rows, [&](int64_t row, bool inside) {
    const int of_head = tokens.of(int(row)), n = heads.of(of_head);
    const int token = int(row) - of_head * int(a.queries.tokens());
    const int64_t at = n * a.y.sample + (of_head - n * int(a.heads)) * a.y.head + token * a.y.token;
    const int lane = int(threadIdx.x) % dot_lanes;
    acc_t<T> sum = 0;
#pragma unroll 2
    for (int d = lane * Pack<T>::size; d < int(a.D); d += dot_lanes * Pack<T>::size) {
      const Pack<T> in = pack_at(y + at + d), gradient = pack_at(dy + at + d);
#pragma unroll
      for (int k = 0; k < Pack<T>::size; ++k) sum += in[k] * gradient[k];
    }
    sum = lanes_sum<dot_lanes>(sum);
    if (inside && lane == 0) dot[row] = sum;
  });
}

// The launch; false where rows are no whole packs.
template <class T>
static bool attention_dot_packs(Here& here, const AttentionShape& a, Span<const T> y,
                                Span<const T> dy, Span<acc_t<T>> dot) {
  const int64_t rows = a.rows(), strides = a.y.sample | a.y.head | a.y.token;
  if (!in_packs<T>(a.D, y.data(), dy.data()) || strides % Pack<T>::size || rows >= int64_t(1) << 31)
    return false;
  launch(attention_dot_packs_kernel<T>,
         pack_config(ceil_div(rows, RowLanes<dot_lanes, T>::at_once)), here, a,
         Quotient(int(a.queries.tokens())), Quotient(int(a.heads)), rows, y, dy, dot);
  return true;
}
