#include "kernels/machine/kernel.h"
#include "kernels/resample.h"

namespace tweed {
namespace MACHINE {
#include "kernels/row_sum.h"

template <template <class> class Sum, class T>
__global__ void resize_forward_kernel(Resize r, const T* __restrict__ x, T* __restrict__ y) {
  using A = acc_t<T>;
  A* const cells = dynamic_shared<A>() + threadIdx.y * row_sum_tile;
  for (int64_t place : grid_rows(r.N * r.rows.out * r.columns.out)) {
    const int64_t line = place / r.columns.out, n = line / r.rows.out;
    const auto row = r.rows.between(line - n * r.rows.out);
    const auto column = r.columns.between(place - line * r.columns.out);
    const A down = A(row.weight), right = A(column.weight);
    const T* low = x + (n * r.rows.size + row.low) * r.columns.size * r.C;
    const T* high = x + (n * r.rows.size + row.high) * r.columns.size * r.C;
    for (int64_t c0 = 0; c0 < r.C; c0 += row_sum_tile) {
      Sum<T> sum(min(row_sum_tile, r.C - c0), cells);
      sum.add(low + column.low * r.C + c0, (1 - down) * (1 - right));
      sum.add(low + column.high * r.C + c0, (1 - down) * right);
      sum.add(high + column.low * r.C + c0, down * (1 - right));
      sum.add(high + column.high * r.C + c0, down * right);
      sum.finish(y + place * r.C + c0);
    }
  }
}

// The gather form: a pixel adds up its part of the places near it.
template <template <class> class Sum, class T>
__global__ void resize_backward_kernel(Resize r, const T* __restrict__ dy, T* __restrict__ dx) {
  using A = acc_t<T>;
  A* const cells = dynamic_shared<A>() + threadIdx.y * row_sum_tile;
  for (int64_t pixel : grid_rows(r.N * r.rows.size * r.columns.size)) {
    const int64_t line = pixel / r.columns.size, n = line / r.rows.size;
    const int64_t h = line - n * r.rows.size, v = pixel - line * r.columns.size;
    const Range rows = r.rows.near(h), columns = r.columns.near(v);
    for (int64_t c0 = 0; c0 < r.C; c0 += row_sum_tile) {
      Sum<T> sum(min(row_sum_tile, r.C - c0), cells);
      for (int64_t oh = rows.first; oh < rows.last; ++oh) {
        const A down = A(r.rows.share(h, oh));
        if (down == 0) continue;
        for (int64_t ow = columns.first; ow < columns.last; ++ow) {
          const A right = A(r.columns.share(v, ow));
          if (right == 0) continue;
          sum.add(dy + ((n * r.rows.out + oh) * r.columns.out + ow) * r.C + c0, down * right);
        }
      }
      sum.finish(dx + pixel * r.C + c0);
    }
  }
}

template <template <class> class Sum, class T>
__global__ void rotate_forward_kernel(Rotation r, const T* __restrict__ x, T* __restrict__ y) {
  using A = acc_t<T>;
  A* const cells = dynamic_shared<A>() + threadIdx.y * row_sum_tile;
  for (int64_t place : grid_rows(r.N * r.H * r.W)) {
    const int64_t line = place / r.W, n = line / r.H;
    const auto at = r.source(line - n * r.H, place - line * r.W);
    const int64_t top = int64_t(floor(at.row)), left = int64_t(floor(at.column));
    const A down = A(at.row - double(top)), right = A(at.column - double(left));
    for (int64_t c0 = 0; c0 < r.C; c0 += row_sum_tile) {
      Sum<T> sum(min(row_sum_tile, r.C - c0), cells);
      for (int64_t h = max(top, int64_t(0)); h < min(top + 2, r.H); ++h)
        for (int64_t v = max(left, int64_t(0)); v < min(left + 2, r.W); ++v)
          sum.add(x + ((n * r.H + h) * r.W + v) * r.C + c0,
                  (h == top ? 1 - down : down) * (v == left ? 1 - right : right));
      sum.finish(y + place * r.C + c0);
    }
  }
}

// The gather form: a pixel has a part in those places whose points lie within a pixel of it in both
// directions, and so within 1.5 of where it is shown.
template <template <class> class Sum, class T>
__global__ void rotate_backward_kernel(Rotation r, const T* __restrict__ dy, T* __restrict__ dx) {
  using A = acc_t<T>;
  A* const cells = dynamic_shared<A>() + threadIdx.y * row_sum_tile;
  for (int64_t pixel : grid_rows(r.N * r.H * r.W)) {
    const int64_t line = pixel / r.W, n = line / r.H;
    const int64_t h = line - n * r.H, v = pixel - line * r.W;
    const auto at = r.target(h, v);
    const int64_t top = max(int64_t(ceil(at.row - 1.5)), int64_t(0));
    const int64_t left = max(int64_t(ceil(at.column - 1.5)), int64_t(0));
    const int64_t bottom = min(int64_t(floor(at.row + 1.5)), r.H - 1);
    const int64_t end = min(int64_t(floor(at.column + 1.5)), r.W - 1);
    for (int64_t c0 = 0; c0 < r.C; c0 += row_sum_tile) {
      Sum<T> sum(min(row_sum_tile, r.C - c0), cells);
      for (int64_t oh = top; oh <= bottom; ++oh)
        for (int64_t ow = left; ow <= end; ++ow) {
          const auto from = r.source(oh, ow);
          const double down = 1 - fabs(from.row - double(h));
          const double right = 1 - fabs(from.column - double(v));
          if (down > 0 && right > 0)
            sum.add(dy + ((n * r.H + oh) * r.W + ow) * r.C + c0, A(down) * A(right));
        }
      sum.finish(dx + pixel * r.C + c0);
    }
  }
}

}  // namespace MACHINE
using namespace MACHINE;

// A launch for so many rows of sums; where there are 3 channels, a thread for each.
template <class T>
static Config sums_config(int64_t channels, int64_t rows, int64_t work) {
  if (channels != 3) return row_sum_config<T>(rows, work);
  return {.grid = ceil_div(rows, 256), .block = {1, 256}, .work = work};
}

template <class M, class T>
void resize_forward(M& here, const Resize& r, Span<const T> x, Span<T> y) {
  auto kernel = r.C == 3 ? resize_forward_kernel<ColourSum, T> : resize_forward_kernel<RowSum, T>;
  launch(kernel, sums_config<T>(r.C, r.N * r.rows.out * r.columns.out, x.size() + y.size()), here,
         r, x, y);
}
template <class M, class T>
void resize_backward(M& here, const Resize& r, Span<const T> dy, Span<T> dx) {
  auto kernel = r.C == 3 ? resize_backward_kernel<ColourSum, T> : resize_backward_kernel<RowSum, T>;
  launch(kernel, sums_config<T>(r.C, r.N * r.rows.size * r.columns.size, dx.size() + dy.size()),
         here, r, dy, dx);
}
template <class M, class T>
void rotate_forward(M& here, const Rotation& r, Span<const T> x, Span<T> y) {
  auto kernel = r.C == 3 ? rotate_forward_kernel<ColourSum, T> : rotate_forward_kernel<RowSum, T>;
  launch(kernel, sums_config<T>(r.C, r.N * r.H * r.W, y.size()), here, r, x, y);
}
template <class M, class T>
void rotate_backward(M& here, const Rotation& r, Span<const T> dy, Span<T> dx) {
  auto kernel = r.C == 3 ? rotate_backward_kernel<ColourSum, T> : rotate_backward_kernel<RowSum, T>;
  launch(kernel, sums_config<T>(r.C, r.N * r.H * r.W, dx.size()), here, r, dy, dx);
}

#define INSTANTIATE(T)                                                          \
  template void resize_forward(Here&, const Resize&, Span<const T>, Span<T>);   \
  template void resize_backward(Here&, const Resize&, Span<const T>, Span<T>);  \
  template void rotate_forward(Here&, const Rotation&, Span<const T>, Span<T>); \
  template void rotate_backward(Here&, const Rotation&, Span<const T>, Span<T>);
FOR_FLOATING_TYPES(INSTANTIATE)

}  // namespace tweed
