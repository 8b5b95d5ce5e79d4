#include "kernels/compare.h"
#include "kernels/machine/kernel.h"
#include "kernels/packs/packs.h"
#include "kernels/pieces.h"

namespace tweed {
namespace MACHINE {
#include "kernels/map.h"

template <Compare f>
struct Comparison;
#define FORMULA(name, y)                            \
  template <>                                       \
  struct Comparison<Compare::name> {                \
    template <class A>                              \
    __device__ static inline uint8_t of(A a, A b) { \
      return y;                                     \
    }                                               \
  };
FOR_COMPARISONS(FORMULA)
#undef FORMULA

// A row of a meets a row of b, `repeat` rows of a the same one.
template <Compare f, class T>
__global__ void compare_columns_kernel(Pieces pieces, int64_t repeat, const T* __restrict__ a,
                                       const T* __restrict__ b, uint8_t* __restrict__ y) {
  for (int64_t i : grid_rows(pieces.count())) {
    const auto [row, first, size] = pieces[i];
    const T* __restrict__ a_row = a + row * pieces.width + first;
    const T* __restrict__ b_row = b + row / repeat * pieces.width + first;
    uint8_t* __restrict__ y_row = y + row * pieces.width + first;
    for (int64_t c : block_stride(size))
      y_row[c] = Comparison<f>::of(load(a_row[c]), load(b_row[c]));
  }
}
// A row of a meets a single element of b.
template <Compare f, class T>
__global__ void compare_rows_kernel(Pieces pieces, const T* __restrict__ a, const T* __restrict__ b,
                                    uint8_t* __restrict__ y) {
  for (int64_t i : grid_rows(pieces.count())) {
    const auto [row, first, size] = pieces[i];
    const T* __restrict__ a_row = a + row * pieces.width + first;
    uint8_t* __restrict__ y_row = y + row * pieces.width + first;
    const acc_t<T> value = load(b[row]);
    for (int64_t c : block_stride(size)) y_row[c] = Comparison<f>::of(load(a_row[c]), value);
  }
}

template <Compare f, class P, class T>
__global__ void compare_with_kernel(int64_t n, P p, const T* __restrict__ x,
                                    uint8_t* __restrict__ y) {
  map(
      n, [=](T v) { return Comparison<f>::of(P(load(v)), p); }, y, x);
}

}  // namespace MACHINE
using namespace MACHINE;

// Calls with<f>() for a comparison that is chosen at run time; `both` and what follows it are of
// bytes alone.
template <class T, class F>
static void with_comparison(Compare f, F with) {
#define CASE(name, ...)                                          \
  if constexpr (Compare::name < Compare::both || sizeof(T) == 1) \
    if (f == Compare::name) return with.template operator()<Compare::name>();
  FOR_COMPARISONS(CASE)
#undef CASE
}

template <class M, class T>
void compare(M& here, Compare f, const Broadcast& shape, Span<const T> a, Span<const T> b,
             Span<uint8_t> y) {
  const bool by_row = shape.inner == 1 && shape.middle > 1;
  const Pieces pieces = by_row              ? Pieces{shape.outer, shape.middle}
                        : shape.middle == 1 ? Pieces{1, y.size()}
                                            : Pieces{shape.outer * shape.middle, shape.inner};
  const Dim block = {32, 8};
  const Config config = {.grid = ceil_div(pieces.count(), block.y), .block = block};
  with_comparison<T>(f, [&]<Compare formula>() {
    if (by_row)
      launch(compare_rows_kernel<formula, T>, config, here, pieces, a, b, y);
    else
      launch(compare_columns_kernel<formula, T>, config, here, pieces, shape.middle, a, b, y);
  });
}

template <class M, class T>
void compare_with(M& here, Compare f, double p, Span<const T> x, Span<uint8_t> y) {
  using P = std::conditional_t<std::is_integral_v<T>, double, acc_t<T>>;
  with_comparison<T>(f, [&]<Compare formula>() {
    launch(compare_with_kernel<formula, P, T>, map_config<T, uint8_t>(x.size()), here, x.size(),
           P(p), x, y);
  });
}

#define INSTANTIATE(T)                                                                  \
  template void compare(Here&, Compare, const Broadcast&, Span<const T>, Span<const T>, \
                        Span<uint8_t>);                                                 \
  template void compare_with(Here&, Compare, double, Span<const T>, Span<uint8_t>);
FOR_ALL_TYPES(INSTANTIATE)

}  // namespace tweed
