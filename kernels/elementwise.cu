#include <utility>

#include "kernels/elementwise.h"
#include "kernels/machine/kernel.h"
#include "kernels/math.h"
#include "kernels/packs/packs.h"
#include "kernels/pieces.h"
#include "kernels/quotient.h"

namespace tweed {
namespace MACHINE {
#include "kernels/map.h"

template <class X, class T>
__global__ void axpy_kernel(int64_t n, acc_t<T> a, const X* __restrict__ x, T* __restrict__ y) {
  const T* const old = y;
  map(
      n, [=](T was, X more) { return load(was) + a * load(more); }, y, old, x);
}

// A block for each vector, which are parameters of their own: `sim` wants to know of all memory
// that a kernel touches.
#define EACH(p)                                                                                  \
  p##0, p##1, p##2, p##3, p##4, p##5, p##6, p##7, p##8, p##9, p##10, p##11, p##12, p##13, p##14, \
      p##15
struct Lengths {
  int of[Additions<float>::most];
};
template <class T>
__global__ void add_all_kernel(int64_t count, Lengths lengths, EACH(T* y), EACH(const T* x)) {
  T* const sums[] = {EACH(y)};
  const T* const more[] = {EACH(x)};
  for (int64_t block : grid_blocks(count)) {
    T* sum = nullptr;
    const T* x = nullptr;
    int n = 0;
#pragma unroll
    for (int k = 0; k < Additions<T>::most; ++k)  // other indexes would need local memory
      if (k == block) sum = sums[k], x = more[k], n = lengths.of[k];
    for (int64_t i : block_stride(n)) sum[i] = store<T>(load(sum[i]) + load(x[i]));
  }
}
#undef EACH

template <Unary f, class T>
__global__ void unary_forward_kernel(int64_t n, acc_t<T> p, const T* __restrict__ x,
                                     T* __restrict__ y) {
  map(
      n, [=](T v) { return UnaryFormula<f>::value(load(v), p); }, y, x);
}
template <Unary f, class T>
__global__ void unary_backward_kernel(int64_t n, acc_t<T> p, const T* __restrict__ saved,
                                      const T* __restrict__ dy, T* __restrict__ dx) {
  map(
      n, [=](T v, T dv) { return UnaryFormula<f>::gradient(load(v), load(dv), p); }, dx, saved, dy);
}

template <bool has_a, bool has_b, class T>
__global__ void select_kernel(int64_t n, const uint8_t* __restrict__ condition,
                              const T* __restrict__ a, const T* __restrict__ b, T* __restrict__ y) {
  const acc_t<T> zero = 0;
  if constexpr (has_a && has_b)
    map(
        n, [](uint8_t yes, T v, T w) { return load(yes ? v : w); }, y, condition, a, b);
  else if constexpr (has_a)
    map(
        n, [=](uint8_t yes, T v) { return yes ? load(v) : zero; }, y, condition, a);
  else
    map(
        n, [=](uint8_t yes, T w) { return yes ? zero : load(w); }, y, condition, b);
}

template <Binary f, class T>
__global__ void binary_kernel(int64_t n, const T* __restrict__ a, const T* __restrict__ b,
                              T* __restrict__ y) {
  map(
      n, [](T v, T w) { return BinaryFormula<f>::value(load(v), load(w)); }, y, a, b);
}

#ifndef TWEED_CPU
#include "kernels/packs/pack_walk.h"

// The next in packs: `pieces` blocks for the rows of a that meet the same row of b.
template <Binary f, class T>
__global__ void __launch_bounds__(pack_threads, 3)
    binary_packs_kernel(Broadcast shape, int64_t pieces, const T* __restrict__ a,
                        const T* __restrict__ b, T* __restrict__ y) {
  constexpr int size = Pack<T>::size;
  const int64_t rows = shape.outer * shape.middle, blocks = shape.outer * pieces;
  for (int64_t block : grid_blocks(blocks)) {
    const int64_t first = rows * block / blocks, last = rows * (block + 1) / blocks;
    const T* const b_row = b + block / pieces * shape.inner;
    walk_packs<T>(first, last, shape.inner, [&](const PackTile<T>&, int64_t c, auto walk) {
      const Pack<T> own = pack_at(b_row + c);
      walk([&](int64_t at) { return Pack<T>(pack_at(a + at)); },
           [&](const Pack<T>& in, int64_t at) {
             acc_t<T> v[size];
#pragma unroll
             for (int k = 0; k < size; ++k) v[k] = BinaryFormula<f>::value(in[k], own[k]);
             pack_at(y + at) = Pack<T>::of(v);
           });
    });
  }
}

// binary_rows_kernel in packs: as many for each row of a as `row_packs` divides by.
template <Binary f, class T>
__global__ void __launch_bounds__(pack_threads)
    binary_rows_packs_kernel(int64_t count, Quotient row_packs, const T* __restrict__ a,
                             const T* __restrict__ b, T* __restrict__ y) {
  constexpr int size = Pack<T>::size;
  for (int64_t i : grid_stride(count)) {
    const Pack<T> in = pack_at(a + i * size);
    const acc_t<T> value = load(b[row_packs.of(int(i))]);
    acc_t<T> v[size];
#pragma unroll
    for (int k = 0; k < size; ++k) v[k] = BinaryFormula<f>::value(in[k], value);
    pack_at(y + i * size) = Pack<T>::of(v);
  }
}
#endif

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

}  // namespace MACHINE
using namespace MACHINE;

template <class M, class X, class T>
void axpy(M& here, double a, Span<const X> x, Span<T> y) {
  launch(axpy_kernel<X, T>, map_config<X, T>(y.size()), here, y.size(), acc_t<T>(a), x, y);
}

template <class M, class T>
void add_all(M& here, const Additions<T>& all) {
  Lengths lengths = {};
  int64_t work = 0;
  for (int k = 0; k < all.count; ++k) work += lengths.of[k] = int(all.y[k].size());
  auto with = [&]<std::size_t... k>(std::index_sequence<k...>) {
    launch(add_all_kernel<T>, {.grid = all.count, .work = work}, here, int64_t(all.count), lengths,
           all.y[k]..., all.x[k]...);
  };
  with(std::make_index_sequence<Additions<T>::most>());
}

template <class M, class T>
void unary_forward(M& here, Unary f, double p, Span<const T> x, Span<T> y) {
  auto with = [&](auto kernel) {
    launch(kernel, map_config<T>(y.size()), here, y.size(), acc_t<T>(p), x, y);
  };
#define LAUNCH(name, ...) \
  if (f == Unary::name) return with(unary_forward_kernel<Unary::name, T>);
  FOR_UNARY_FORMULAS(LAUNCH)
#undef LAUNCH
}
template <class M, class T>
void unary_backward(M& here, Unary f, double p, Span<const T> saved, Span<const T> dy, Span<T> dx) {
  auto with = [&](auto kernel) {
    launch(kernel, map_config<T>(dx.size()), here, dx.size(), acc_t<T>(p), saved, dy, dx);
  };
#define LAUNCH(name, ...) \
  if (f == Unary::name) return with(unary_backward_kernel<Unary::name, T>);
  FOR_UNARY_FORMULAS(LAUNCH)
#undef LAUNCH
}

template <class M, class T>
void select(M& here, Span<const uint8_t> condition, Span<const T> a, Span<const T> b, Span<T> y) {
  auto with = [&](auto kernel) {
    launch(kernel, map_config<T>(y.size()), here, y.size(), condition, a, b, y);
  };
  if (a.size() && b.size())
    with(select_kernel<true, true, T>);
  else if (a.size())
    with(select_kernel<true, false, T>);
  else
    with(select_kernel<false, true, T>);
}

template <class M, class T>
void binary(M& here, Binary f, const Broadcast& shape, Span<const T> a, Span<const T> b,
            Span<T> y) {
  auto with = [&]([[maybe_unused]] auto packs, [[maybe_unused]] auto row_packs, auto equal,
                  auto columns, auto rows) {
    if (shape.middle == 1) return launch(equal, map_config<T>(y.size()), here, y.size(), a, b, y);
#ifndef TWEED_CPU
    if (in_packs<T>(shape.inner, a.data(), b.data(), y.data())) {
      const int64_t pieces = ceil_div(shape.middle, pack_rows<T>(shape.inner, 8));
      return launch(packs, pack_config(shape.outer * pieces), here, shape, pieces, a, b, y);
    }
    const int64_t row = shape.middle / Pack<T>::size, count = shape.outer * row;
    if (shape.inner == 1 && in_packs<T>(shape.middle, a.data(), y.data()) &&
        count < int64_t(1) << 31)
      return launch(row_packs, pack_config(ceil_div(count, pack_threads)), here, count,
                    Quotient(int(row)), a, b, y);
#endif
    const Dim block = {32, 8};
    const bool by_row = shape.inner == 1;
    const Pieces pieces = by_row ? Pieces{shape.outer, shape.middle}
                                 : Pieces{shape.outer * shape.middle, shape.inner};
    const Config config = {.grid = ceil_div(pieces.count(), block.y), .block = block};
    if (by_row)
      launch(rows, config, here, pieces, a, b, y);
    else
      launch(columns, config, here, pieces, shape.middle, a, b, y);
  };
#ifdef TWEED_CPU
#define IN_PACKS(name) nullptr, nullptr
#else
#define IN_PACKS(name) \
  binary_packs_kernel<Binary::name, T>, binary_rows_packs_kernel<Binary::name, T>
#endif
#define LAUNCH(name, ...)                                       \
  if (f == Binary::name)                                        \
    return with(IN_PACKS(name), binary_kernel<Binary::name, T>, \
                binary_columns_kernel<Binary::name, T>, binary_rows_kernel<Binary::name, T>);
  FOR_BINARY_FORMULAS(LAUNCH)
#undef LAUNCH
}

#define INSTANTIATE(T)                                                                       \
  template void axpy(Here&, double, Span<const T>, Span<T>);                                 \
  template void add_all(Here&, const Additions<T>&);                                         \
  template void unary_forward(Here&, Unary, double, Span<const T>, Span<T>);                 \
  template void unary_backward(Here&, Unary, double, Span<const T>, Span<const T>, Span<T>); \
  template void select(Here&, Span<const uint8_t>, Span<const T>, Span<const T>, Span<T>);   \
  template void binary(Here&, Binary, const Broadcast&, Span<const T>, Span<const T>, Span<T>);
FOR_FLOATING_TYPES(INSTANTIATE)
template void axpy(Here&, double, Span<const float>, Span<bf16>);

}  // namespace tweed
