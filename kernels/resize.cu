#include "kernels/machine/kernel.h"
#include "kernels/resize.h"

namespace tweed {
namespace MACHINE {
#include "kernels/row_sum.h"

// Keys' cubic at a distance from a pixel. Source: Keys 1981, doi:10.1109/TASSP.1981.1163711
__device__ inline double keys_cubic(double distance, double a) {
  const double x = fabs(distance);
  if (x >= 2) return 0;
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return ((x - 5) * x + 8) * x * a - 4 * a;
}

// Without antialias: pixels beyond the edges are the last ones inside, whose weights so add up.
template <class A>
__device__ inline int64_t sharp_taps(const ResizeRule& r, int64_t o, A* weight) {
  const int64_t taps = r.taps(), last = r.size - 1;
  double at = r.align_corners ? double(o) * r.scale : (double(o) + 0.5) * r.scale - 0.5;
  const bool cubic = r.filter == Filter::cubic;
  if (!cubic && at < 0) at = 0;
  const int64_t low = int64_t(floor(at)), from = cubic ? low - 1 : low,
                to = cubic ? low + 2 : low + 1;
  const int64_t first = max(min(from, r.size - taps), int64_t(0));
  for (int64_t i = from; i <= to; ++i) {
    const double distance = at - double(i);
    const double w = cubic ? keys_cubic(distance, -0.75) : 1 - fabs(distance);
    weight[min(max(i, int64_t(0)), last) - first] += A(w);
  }
  return first;
}

// With it: the filter is stretched, cut at the edges, and its weights made to add up to 1. Keys' a
// is -0.5 here, as in Pillow and PyTorch.
template <class A>
__device__ inline int64_t smooth_taps(const ResizeRule& r, int64_t o, A* weight) {
  const double centre = (double(o) + 0.5) * r.scale, support = r.support();
  const double stretch = r.scale > 1 ? 1 / r.scale : 1;
  const int64_t from = max(int64_t(centre - support + 0.5), int64_t(0));
  const int64_t to = min(int64_t(centre + support + 0.5), r.size);
  const int64_t first = max(min(from, r.size - r.taps()), int64_t(0));
  auto filter = [&](int64_t i) {
    const double distance = (double(i) - centre + 0.5) * stretch;
    if (r.filter == Filter::cubic) return keys_cubic(distance, -0.5);
    return max(1 - fabs(distance), 0.0);
  };
  double total = 0;
  for (int64_t i = from; i < to; ++i) total += filter(i);
  for (int64_t i = from; i < to; ++i) weight[i - first] = A(total != 0 ? filter(i) / total : 0);
  return first;
}

// In float, as PyTorch does for every dtype: where the quotient of sizes is no float, another
// precision would take another pixel.
__device__ inline int64_t nearest_tap(const ResizeRule& r, int64_t o) {
  if (r.filter == Filter::nearest && r.out == r.size) return o;
  if (r.filter == Filter::nearest && r.out == 2 * r.size) return o / 2;
  const float half = r.filter == Filter::nearest ? 0.0f : 0.5f;
  const int64_t at = int64_t(floor((float(o) + half) * float(r.scale)));
  return min(at, r.size - 1);
}

template <class A>
__global__ void resize_table_kernel(ResizeRule r, int32_t* __restrict__ first,
                                    A* __restrict__ weight) {
  const int64_t taps = r.taps();
  for (int64_t o : grid_stride(r.out)) {
    A* __restrict__ w = weight + o * taps;
    for (int64_t k = 0; k < taps; ++k) w[k] = 0;
    if (r.filter == Filter::linear || r.filter == Filter::cubic) {
      first[o] = int32_t(r.antialias ? smooth_taps(r, o, w) : sharp_taps(r, o, w));
    } else {
      first[o] = int32_t(nearest_tap(r, o));
      w[0] = 1;
    }
  }
}

// The part of a row of `inner` elements that a thread row works on.
struct ResizeTile {
  int64_t row, first, width;
  __device__ ResizeTile(int64_t index, int64_t inner) {
    const int64_t tiles = (inner + row_sum_tile - 1) / row_sum_tile;
    row = index / tiles;
    first = (index - row * tiles) * row_sum_tile;
    width = min(row_sum_tile, inner - first);
  }
};

template <template <class> class Sum, class T>
__global__ void resize_axis_forward_kernel(ResizePass p, int64_t parts,
                                           const int32_t* __restrict__ first,
                                           const T* __restrict__ weight, const T* __restrict__ x,
                                           T* __restrict__ y) {
  T* const cells = dynamic_shared<T>() + threadIdx.y * row_sum_tile;
  for (int64_t index : grid_rows(parts)) {
    const ResizeTile tile(index, p.inner);
    const int64_t n = tile.row / p.out, o = tile.row - n * p.out;
    const T* const from = x + (n * p.size + first[o]) * p.inner + tile.first;
    Sum<T> sum(tile.width, cells);
    for (int64_t k = 0; k < p.taps; ++k) sum.add(from + k * p.inner, weight[o * p.taps + k]);
    sum.finish(y + tile.row * p.inner + tile.first);
  }
}

// The number of places whose first pixel is at most i: they are in order.
__device__ inline int64_t places_up_to(int64_t i, const int32_t* first, int64_t out) {
  int64_t low = 0, high = out;
  while (low < high) {
    const int64_t middle = (low + high) / 2;
    if (first[middle] <= i)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

template <template <class> class Sum, class T>
__global__ void resize_axis_backward_kernel(ResizePass p, int64_t parts,
                                            const int32_t* __restrict__ first,
                                            const T* __restrict__ weight, const T* __restrict__ dy,
                                            T* __restrict__ dx) {
  T* const cells = dynamic_shared<T>() + threadIdx.y * row_sum_tile;
  for (int64_t index : grid_rows(parts)) {
    const ResizeTile tile(index, p.inner);
    const int64_t n = tile.row / p.size, i = tile.row - n * p.size;
    const int64_t end = places_up_to(i, first, p.out);
    const T* const from = dy + n * p.out * p.inner + tile.first;
    Sum<T> sum(tile.width, cells);
    for (int64_t o = places_up_to(i - p.taps, first, p.out); o < end; ++o) {
      const T w = weight[o * p.taps + i - first[o]];
      if (w != 0) sum.add(from + o * p.inner, w);
    }
    sum.finish(dx + tile.row * p.inner + tile.first);
  }
}

}  // namespace MACHINE
using namespace MACHINE;

// A launch for so many parts of rows; where there are 3 elements in a row, a thread for each.
template <class T>
static Config parts_config(int64_t inner, int64_t parts, int64_t work) {
  if (inner != 3) return row_sum_config<T>(parts, work);
  return {.grid = ceil_div(parts, 256), .block = {1, 256}, .work = work};
}
static int64_t parts_of(int64_t rows, int64_t inner) {
  return rows * ceil_div(inner, row_sum_tile);
}

template <class M, class A>
void resize_table(M& here, const ResizeRule& r, Span<int32_t> first, Span<A> weight) {
  launch(resize_table_kernel<A>, {.grid = ceil_div(r.out, 256), .work = weight.size()}, here, r,
         first, weight);
}
template <class M, class T>
void resize_axis_forward(M& here, const ResizePass& p, Span<const int32_t> first,
                         Span<const T> weight, Span<const T> x, Span<T> y) {
  auto kernel = p.inner == 3 ? resize_axis_forward_kernel<ColourSum, T>
                             : resize_axis_forward_kernel<RowSum, T>;
  const int64_t parts = parts_of(p.outer * p.out, p.inner);
  launch(kernel, parts_config<T>(p.inner, parts, x.size() + y.size()), here, p, parts, first,
         weight, x, y);
}
template <class M, class T>
void resize_axis_backward(M& here, const ResizePass& p, Span<const int32_t> first,
                          Span<const T> weight, Span<const T> dy, Span<T> dx) {
  auto kernel = p.inner == 3 ? resize_axis_backward_kernel<ColourSum, T>
                             : resize_axis_backward_kernel<RowSum, T>;
  const int64_t parts = parts_of(p.outer * p.size, p.inner);
  launch(kernel, parts_config<T>(p.inner, parts, dx.size() + dy.size()), here, p, parts, first,
         weight, dy, dx);
}

#define INSTANTIATE(T)                                                                             \
  template void resize_table(Here&, const ResizeRule&, Span<int32_t>, Span<T>);                    \
  template void resize_axis_forward(Here&, const ResizePass&, Span<const int32_t>, Span<const T>,  \
                                    Span<const T>, Span<T>);                                       \
  template void resize_axis_backward(Here&, const ResizePass&, Span<const int32_t>, Span<const T>, \
                                     Span<const T>, Span<T>);
INSTANTIATE(float)
INSTANTIATE(double)

}  // namespace tweed
