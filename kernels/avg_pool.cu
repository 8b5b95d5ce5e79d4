#include "kernels/machine/kernel.h"
#include "kernels/pool.h"

namespace tweed {
namespace MACHINE {

#include "kernels/row_sum.h"

template <class T>
__global__ void avg_pool_forward_kernel(PoolWindows p, const T* __restrict__ x, T* __restrict__ y) {
  using A = acc_t<T>;
  A* const cells = dynamic_shared<A>() + threadIdx.y * row_sum_tile;
  const PoolAxis rows = p.rows, columns = p.columns;
  for (int64_t place : grid_rows(p.places())) {
    const int64_t line = place / columns.out, n = line / rows.out;
    const int64_t oh = line - n * rows.out, ow = place - line * columns.out;
    const Range hs = rows.window(oh), vs = columns.window(ow);
    const A share = A(1) / A(rows.count(oh) * columns.count(ow));
    for (int64_t c0 = 0; c0 < p.C; c0 += row_sum_tile) {
      RowSum<T> sum(min(row_sum_tile, p.C - c0), cells);
      for (int64_t h = hs.first; h < hs.last; ++h)
        for (int64_t v = vs.first; v < vs.last; ++v)
          sum.add(x + ((n * rows.size + h) * columns.size + v) * p.C + c0, share);
      sum.finish(y + place * p.C + c0);
    }
  }
}

// The gather form: each pixel adds up its share of the windows that cover it.
template <class T>
__global__ void avg_pool_backward_kernel(PoolWindows p, const T* __restrict__ dy,
                                         T* __restrict__ dx) {
  using A = acc_t<T>;
  A* const cells = dynamic_shared<A>() + threadIdx.y * row_sum_tile;
  const PoolAxis rows = p.rows, columns = p.columns;
  for (int64_t pixel : grid_rows(p.pixels())) {
    const int64_t line = pixel / columns.size, n = line / rows.size;
    const Range hs = rows.covering(line - n * rows.size);
    const Range vs = columns.covering(pixel - line * columns.size);
    for (int64_t c0 = 0; c0 < p.C; c0 += row_sum_tile) {
      RowSum<T> sum(min(row_sum_tile, p.C - c0), cells);
      for (int64_t oh = hs.first; oh < hs.last; ++oh)
        for (int64_t ow = vs.first; ow < vs.last; ++ow)
          sum.add(dy + ((n * rows.out + oh) * columns.out + ow) * p.C + c0,
                  A(1) / A(rows.count(oh) * columns.count(ow)));
      sum.finish(dx + pixel * p.C + c0);
    }
  }
}

}  // namespace MACHINE
using namespace MACHINE;

template <class M, class T>
void avg_pool_forward(M& here, const PoolWindows& p, Span<const T> x, Span<T> y) {
  launch(avg_pool_forward_kernel<T>, row_sum_config<T>(p.places(), x.size() + y.size()), here, p, x,
         y);
}
template <class M, class T>
void avg_pool_backward(M& here, const PoolWindows& p, Span<const T> dy, Span<T> dx) {
  launch(avg_pool_backward_kernel<T>, row_sum_config<T>(p.pixels(), dx.size() + dy.size()), here, p,
         dy, dx);
}

#define INSTANTIATE(T)                                                               \
  template void avg_pool_forward(Here&, const PoolWindows&, Span<const T>, Span<T>); \
  template void avg_pool_backward(Here&, const PoolWindows&, Span<const T>, Span<T>);
FOR_FLOATING_TYPES(INSTANTIATE)

}  // namespace tweed
