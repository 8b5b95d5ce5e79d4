#include "kernels/elementwise.h"
#include "kernels/machine/kernel.h"
#include "kernels/pieces.h"

namespace tweed {
namespace MACHINE {

template <class T>
__global__ void axpy_kernel(int64_t n, acc_t<T> a, const T* __restrict__ x, T* __restrict__ y) {
  for (int64_t i : grid_stride(n)) y[i] = store<T>(load(y[i]) + a * load(x[i]));
}

template <Unary f, class T>
__global__ void unary_forward_kernel(int64_t n, acc_t<T> p, acc_t<T> q, const T* __restrict__ x,
                                     T* __restrict__ y) {
  for (int64_t i : grid_stride(n)) y[i] = store<T>(UnaryFormula<f>::value(load(x[i]), p, q));
}
template <Unary f, class T>
__global__ void unary_backward_kernel(int64_t n, acc_t<T> p, acc_t<T> q,
                                      const T* __restrict__ saved, const T* __restrict__ dy,
                                      T* __restrict__ dx) {
  for (int64_t i : grid_stride(n))
    dx[i] = store<T>(UnaryFormula<f>::gradient(load(saved[i]), load(dy[i]), p, q));
}

// A row of a meets a row of b, `repeat` rows of a the same one.
template <Binary f, class T>
__global__ void binary_columns_kernel(Pieces pieces, int64_t repeat, const T* __restrict__ a,
                                      const T* __restrict__ b, T* __restrict__ y) {
  for (int64_t i : grid_rows(pieces.count())) {
    const auto [row, first, size] = pieces[i];
    const T* __restrict__ a_row = a + row * pieces.width + first;
    const T* __restrict__ b_row = b + row / repeat * pieces.width + first;
    T* __restrict__ y_row = y + row * pieces.width + first;
    for (int64_t c : block_stride(size))
      y_row[c] = store<T>(BinaryFormula<f>::value(load(a_row[c]), load(b_row[c])));
  }
}
// A row of a meets a single element of b.
template <Binary f, class T>
__global__ void binary_rows_kernel(Pieces pieces, const T* __restrict__ a, const T* __restrict__ b,
                                   T* __restrict__ y) {
  for (int64_t i : grid_rows(pieces.count())) {
    const auto [row, first, size] = pieces[i];
    const T* __restrict__ a_row = a + row * pieces.width + first;
    T* __restrict__ y_row = y + row * pieces.width + first;
    const acc_t<T> value = load(b[row]);
    for (int64_t c : block_stride(size))
      y_row[c] = store<T>(BinaryFormula<f>::value(load(a_row[c]), value));
  }
}

template <class T>
__global__ void select_kernel(int64_t n, const uint8_t* __restrict__ condition,
                              const T* __restrict__ a, const T* __restrict__ b, T* __restrict__ y) {
  for (int64_t i : grid_stride(n)) {
    const acc_t<T> yes = load(a[i]), no = load(b[i]);  // both, so that the loop vectorises
    y[i] = store<T>(condition[i] ? yes : no);
  }
}
template <class T>
__global__ void select_backward_kernel(int64_t n, const uint8_t* __restrict__ condition,
                                       bool wanted, const T* __restrict__ dy, T* __restrict__ dx) {
  for (int64_t i : grid_stride(n)) {
    const acc_t<T> g = load(dy[i]);
    dx[i] = store<T>((condition[i] != 0) == wanted ? g : acc_t<T>(0));
  }
}

}  // namespace MACHINE
using namespace MACHINE;

template <class M, class T>
void axpy(M& here, double a, Span<const T> x, Span<T> y) {
  launch(axpy_kernel<T>, {.grid = ceil_div(y.size(), 256)}, here, y.size(), acc_t<T>(a), x, y);
}

template <class M, class T>
void unary_forward(M& here, Unary f, double p, double q, Span<const T> x, Span<T> y) {
  auto with = [&](auto kernel) {
    launch(kernel, {.grid = ceil_div(y.size(), 256)}, here, y.size(), acc_t<T>(p), acc_t<T>(q), x,
           y);
  };
#define LAUNCH(name, ...) \
  if (f == Unary::name) return with(unary_forward_kernel<Unary::name, T>);
  FOR_UNARY_FORMULAS(LAUNCH)
#undef LAUNCH
}
template <class M, class T>
void unary_backward(M& here, Unary f, double p, double q, Span<const T> saved, Span<const T> dy,
                    Span<T> dx) {
  auto with = [&](auto kernel) {
    launch(kernel, {.grid = ceil_div(dx.size(), 256)}, here, dx.size(), acc_t<T>(p), acc_t<T>(q),
           saved, dy, dx);
  };
#define LAUNCH(name, ...) \
  if (f == Unary::name) return with(unary_backward_kernel<Unary::name, T>);
  FOR_UNARY_FORMULAS(LAUNCH)
#undef LAUNCH
}

template <class M, class T>
void binary(M& here, Binary f, const Broadcast& shape, Span<const T> a, Span<const T> b,
            Span<T> y) {
  auto with = [&](auto columns, auto rows) {
    const Dim block = {32, 8};
    const bool by_row = shape.inner == 1 && shape.middle > 1;
    const Pieces pieces = by_row              ? Pieces{shape.outer, shape.middle}
                          : shape.middle == 1 ? Pieces{1, shape.outer * shape.inner}
                                              : Pieces{shape.outer * shape.middle, shape.inner};
    const Config config = {.grid = ceil_div(pieces.count(), block.y), .block = block};
    if (by_row)
      launch(rows, config, here, pieces, a, b, y);
    else
      launch(columns, config, here, pieces, shape.middle, a, b, y);
  };
#define LAUNCH(name, ...) \
  if (f == Binary::name)  \
    return with(binary_columns_kernel<Binary::name, T>, binary_rows_kernel<Binary::name, T>);
  FOR_BINARY_FORMULAS(LAUNCH)
#undef LAUNCH
}

template <class M, class T>
void select(M& here, Span<const uint8_t> condition, Span<const T> a, Span<const T> b, Span<T> y) {
  launch(select_kernel<T>, {.grid = ceil_div(y.size(), 256)}, here, y.size(), condition, a, b, y);
}
template <class M, class T>
void select_backward(M& here, Span<const uint8_t> condition, bool wanted, Span<const T> dy,
                     Span<T> dx) {
  launch(select_backward_kernel<T>, {.grid = ceil_div(dx.size(), 256)}, here, dx.size(), condition,
         wanted, dy, dx);
}

#define INSTANTIATE(T)                                                                          \
  template void axpy(Here&, double, Span<const T>, Span<T>);                                    \
  template void unary_forward(Here&, Unary, double, double, Span<const T>, Span<T>);            \
  template void unary_backward(Here&, Unary, double, double, Span<const T>, Span<const T>,      \
                               Span<T>);                                                        \
  template void binary(Here&, Binary, const Broadcast&, Span<const T>, Span<const T>, Span<T>); \
  template void select(Here&, Span<const uint8_t>, Span<const T>, Span<const T>, Span<T>);      \
  template void select_backward(Here&, Span<const uint8_t>, bool, Span<const T>, Span<T>);
FOR_FLOATING_TYPES(INSTANTIATE)

}  // namespace tweed
