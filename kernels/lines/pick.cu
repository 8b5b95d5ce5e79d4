#include "kernels/lines/pick.h"
#include "kernels/machine/kernel.h"

namespace tweed {
namespace MACHINE {

// `picks` are the indexes of a line.
template <class T>
__global__ void gather_along_kernel(Lines lines, int64_t picks, const T* __restrict__ x,
                                    const int32_t* __restrict__ index, T* __restrict__ y) {
  const int64_t inner = lines.inner;
  for (int64_t at : grid_stride(lines.outer * picks * inner)) {
    const int64_t o = at / (picks * inner), i = at % inner, r = index[at];
    const bool inside = r >= 0 && r < lines.length;
    y[at] = inside ? x[(o * lines.length + r) * inner + i] : store<T>(acc_t<T>(NAN));
  }
}

template <class T>
__global__ void scatter_add_along_kernel(Lines lines, int64_t picks, const T* __restrict__ x,
                                         const int32_t* __restrict__ index, const T* __restrict__ v,
                                         acc_t<T>* __restrict__ sums, T* __restrict__ y) {
  const Lines picked = {lines.outer, picks, lines.inner};
  for (int64_t line : grid_stride(lines.count())) {
    const int64_t begin = lines.begin(line), first = picked.begin(line), inner = lines.inner;
    for (int64_t r = 0; r < lines.length; ++r)
      sums[begin + r * inner] = x ? load(x[begin + r * inner]) : acc_t<T>(0);
    for (int64_t m = 0; m < picks; ++m) {
      const int64_t r = index[first + m * inner];
      if (r >= 0 && r < lines.length) sums[begin + r * inner] += load(v[first + m * inner]);
    }
    for (int64_t r = 0; r < lines.length; ++r)
      y[begin + r * inner] = store<T>(sums[begin + r * inner]);
  }
}

__global__ void last_along_kernel(Lines lines, int64_t picks, const int32_t* __restrict__ index,
                                  int32_t* __restrict__ last) {
  const Lines picked = {lines.outer, picks, lines.inner};
  for (int64_t line : grid_stride(lines.count())) {
    const int64_t begin = lines.begin(line), first = picked.begin(line);
    for (int64_t r = 0; r < lines.length; ++r) last[begin + r * lines.inner] = -1;
    for (int64_t m = 0; m < picks; ++m) {
      const int64_t r = index[first + m * lines.inner];
      if (r >= 0 && r < lines.length) last[begin + r * lines.inner] = int32_t(m);
    }
  }
}

template <class T>
__global__ void scatter_along_kernel(Lines lines, int64_t picks, const int32_t* __restrict__ last,
                                     const T* __restrict__ x, const T* __restrict__ v,
                                     T* __restrict__ y) {
  const int64_t inner = lines.inner;
  for (int64_t at : grid_stride(lines.count() * lines.length)) {
    const int64_t o = at / (lines.length * inner), i = at % inner, m = last[at];
    y[at] = m >= 0 ? v[(o * picks + m) * inner + i] : x ? x[at] : store<T>(0);
  }
}

template <class T>
__global__ void scatter_rest_kernel(int64_t n, const int32_t* __restrict__ last,
                                    const T* __restrict__ dy, T* __restrict__ dx) {
  for (int64_t at : grid_stride(n)) dx[at] = last[at] < 0 ? dy[at] : store<T>(0);
}

// Those picks that were overwritten by later ones have no influence.
template <class T>
__global__ void scatter_picks_kernel(Lines lines, int64_t picks, const int32_t* __restrict__ last,
                                     const T* __restrict__ dy, T* __restrict__ dv) {
  const Lines picked = {lines.outer, picks, lines.inner};
  for (int64_t line : grid_stride(lines.count())) {
    const int64_t begin = lines.begin(line), first = picked.begin(line);
    for (int64_t m = 0; m < picks; ++m) dv[first + m * lines.inner] = store<T>(0);
    for (int64_t r = 0; r < lines.length; ++r) {
      const int64_t at = begin + r * lines.inner;
      if (last[at] >= 0) dv[first + last[at] * lines.inner] = dy[at];
    }
  }
}

template <class T>
__global__ void one_hot_kernel(int64_t n, int64_t classes, const int32_t* __restrict__ index,
                               T* __restrict__ y) {
  for (int64_t at : grid_stride(n)) {
    const int64_t row = at / classes;
    y[at] = store<T>(index[row] == at - row * classes ? acc_t<T>(1) : acc_t<T>(0));
  }
}

}  // namespace MACHINE
using namespace MACHINE;

static Config config_of(int64_t threads, int64_t work) {
  return {.grid = ceil_div(threads, 256), .work = work};
}
static int64_t picks_of(const Lines& lines, int64_t elements) {
  return lines.count() ? elements / lines.count() : 0;
}

template <class M, class T>
void gather_along(M& here, const Lines& lines, Span<const T> x, Span<const int32_t> index,
                  Span<T> y) {
  launch(gather_along_kernel<T>, config_of(y.size(), y.size()), here, lines,
         picks_of(lines, y.size()), x, index, y);
}

template <class M, class T>
void scatter_add_along(M& here, const Lines& lines, Span<const T> x, Span<const int32_t> index,
                       Span<const T> v, Span<acc_t<T>> sums, Span<T> y) {
  launch(scatter_add_along_kernel<T>, config_of(lines.count(), y.size() + v.size()), here, lines,
         picks_of(lines, v.size()), x, index, v, sums, y);
}

template <class M>
void last_along(M& here, const Lines& lines, Span<const int32_t> index, Span<int32_t> last) {
  launch(last_along_kernel, config_of(lines.count(), last.size() + index.size()), here, lines,
         picks_of(lines, index.size()), index, last);
}
template <class M, class T>
void scatter_along(M& here, const Lines& lines, Span<const int32_t> last, Span<const T> x,
                   Span<const T> v, Span<T> y) {
  launch(scatter_along_kernel<T>, config_of(y.size(), y.size()), here, lines,
         picks_of(lines, v.size()), last, x, v, y);
}
template <class M, class T>
void scatter_along_backward(M& here, const Lines& lines, Span<const int32_t> last, Span<const T> dy,
                            Span<T> dx, Span<T> dv) {
  if (dx.size())
    launch(scatter_rest_kernel<T>, config_of(dx.size(), dx.size()), here, dx.size(), last, dy, dx);
  if (dv.size())
    launch(scatter_picks_kernel<T>, config_of(lines.count(), dy.size() + dv.size()), here, lines,
           picks_of(lines, dv.size()), last, dy, dv);
}

template <class M, class T>
void one_hot(M& here, int64_t classes, Span<const int32_t> index, Span<T> y) {
  launch(one_hot_kernel<T>, config_of(y.size(), y.size()), here, y.size(), classes, index, y);
}

template void last_along(Here&, const Lines&, Span<const int32_t>, Span<int32_t>);
#define INSTANTIATE(T)                                                                          \
  template void gather_along(Here&, const Lines&, Span<const T>, Span<const int32_t>, Span<T>); \
  template void scatter_add_along(Here&, const Lines&, Span<const T>, Span<const int32_t>,      \
                                  Span<const T>, Span<acc_t<T>>, Span<T>);                      \
  template void scatter_along(Here&, const Lines&, Span<const int32_t>, Span<const T>,          \
                              Span<const T>, Span<T>);                                          \
  template void scatter_along_backward(Here&, const Lines&, Span<const int32_t>, Span<const T>, \
                                       Span<T>, Span<T>);                                       \
  template void one_hot(Here&, int64_t, Span<const int32_t>, Span<T>);
FOR_FLOATING_TYPES(INSTANTIATE)

}  // namespace tweed
