#include "kernels/machine/kernel.h"
#include "kernels/math.h"
#include "kernels/softmax.h"

namespace tweed {
namespace MACHINE {

// A block per row throughout. Subtracting the largest logit first keeps exp from overflowing.

template <bool logarithm, class T>
__global__ void softmax_forward_kernel(int64_t rows, int64_t classes, const T* __restrict__ x,
                                       T* __restrict__ y) {
  using A = acc_t<T>;
  for (int64_t row : grid_blocks(rows)) {
    const T* __restrict__ in = x + row * classes;
    T* __restrict__ out = y + row * classes;
    const A top = block_max(classes, [&](int64_t c) { return load(in[c]); });
    const A sum = block_sum(classes, [&](int64_t c) { return exp(load(in[c]) - top); });
    const A log_sum = log(sum);
    for (int64_t c : block_stride(classes)) {
      const A v = load(in[c]) - top;
      out[c] = store<T>(logarithm ? v - log_sum : exp(v) / sum);
    }
  }
}

template <bool logarithm, class T>
__global__ void softmax_backward_kernel(int64_t rows, int64_t classes, const T* __restrict__ y,
                                        const T* __restrict__ dy, T* __restrict__ dx) {
  using A = acc_t<T>;
  for (int64_t row : grid_blocks(rows)) {
    const T* __restrict__ y_row = y + row * classes;
    const T* __restrict__ dy_row = dy + row * classes;
    T* __restrict__ out = dx + row * classes;
    const A sum = block_sum(classes, [&](int64_t c) {
      return logarithm ? load(dy_row[c]) : load(dy_row[c]) * load(y_row[c]);
    });
    for (int64_t c : block_stride(classes)) {
      const A v = load(y_row[c]), g = load(dy_row[c]);
      out[c] = store<T>(logarithm ? g - exp(v) * sum : v * (g - sum));
    }
  }
}

template <class T>
__global__ void cross_entropy_forward_kernel(int64_t rows, int64_t classes, const T* __restrict__ x,
                                             const int32_t* __restrict__ target,
                                             acc_t<T>* __restrict__ loss) {
  using A = acc_t<T>;
  for (int64_t row : grid_blocks(rows)) {
    const T* __restrict__ in = x + row * classes;
    const A top = block_max(classes, [&](int64_t c) { return load(in[c]); });
    const A sum = block_sum(classes, [&](int64_t c) { return exp(load(in[c]) - top); });
    const int32_t t = target[row];
    if (threadIdx.x == 0)
      loss[row] = t >= 0 && t < classes ? log(sum) - (load(in[t]) - top) : A(NAN);
  }
}

template <class T>
__global__ void cross_entropy_backward_kernel(int64_t rows, int64_t classes,
                                              const T* __restrict__ x,
                                              const int32_t* __restrict__ target,
                                              const T* __restrict__ dloss, T* __restrict__ dx) {
  using A = acc_t<T>;
  for (int64_t row : grid_blocks(rows)) {
    const T* __restrict__ in = x + row * classes;
    T* __restrict__ out = dx + row * classes;
    const A top = block_max(classes, [&](int64_t c) { return load(in[c]); });
    const A sum = block_sum(classes, [&](int64_t c) { return exp(load(in[c]) - top); });
    const A scale = load(dloss[0]) / A(rows);
    const int64_t t = target[row];
    for (int64_t c : block_stride(classes))
      out[c] = store<T>((exp(load(in[c]) - top) / sum - (c == t ? A(1) : A(0))) * scale);
  }
}

template <class T>
__global__ void target_rank_kernel(int64_t rows, int64_t classes, const T* __restrict__ x,
                                   const int32_t* __restrict__ target, int32_t* __restrict__ rank) {
  for (int64_t row : grid_blocks(rows)) {
    const T* __restrict__ in = x + row * classes;
    const int64_t t = target[row];
    const bool inside = t >= 0 && t < classes;
    const acc_t<T> own = inside ? load(in[t]) : acc_t<T>(NAN);
    const int before = block_sum(classes, [&](int64_t c) {
      const acc_t<T> v = load(in[c]);
      const bool not_after = !(v <= own), earlier = c < t;
      return int(not_after | ((v == own) & earlier));
    });
    if (threadIdx.x == 0) rank[row] = before;
  }
}

}  // namespace MACHINE
using namespace MACHINE;

template <class M, class T>
void softmax_forward(M& here, bool logarithm, int64_t rows, Span<const T> x, Span<T> y) {
  if (!rows) return;
  const int64_t classes = x.size() / rows;
  launch(logarithm ? softmax_forward_kernel<true, T> : softmax_forward_kernel<false, T>,
         block_per_row(rows, classes), here, rows, classes, x, y);
}
template <class M, class T>
void softmax_backward(M& here, bool logarithm, int64_t rows, Span<const T> y, Span<const T> dy,
                      Span<T> dx) {
  if (!rows) return;
  const int64_t classes = y.size() / rows;
  launch(logarithm ? softmax_backward_kernel<true, T> : softmax_backward_kernel<false, T>,
         block_per_row(rows, classes), here, rows, classes, y, dy, dx);
}

template <class M, class T>
void cross_entropy_forward(M& here, Span<const T> x, Span<const int32_t> target,
                           Span<acc_t<T>> loss) {
  const int64_t rows = target.size();
  if (!rows) return;
  const int64_t classes = x.size() / rows;
  launch(cross_entropy_forward_kernel<T>, block_per_row(rows, classes), here, rows, classes, x,
         target, loss);
}
template <class M, class T>
void cross_entropy_backward(M& here, Span<const T> x, Span<const int32_t> target,
                            Span<const T> dloss, Span<T> dx) {
  const int64_t rows = target.size();
  if (!rows) return;
  const int64_t classes = x.size() / rows;
  launch(cross_entropy_backward_kernel<T>, block_per_row(rows, classes), here, rows, classes, x,
         target, dloss, dx);
}
template <class M, class T>
void target_rank(M& here, Span<const T> x, Span<const int32_t> target, Span<int32_t> rank) {
  const int64_t rows = target.size();
  if (!rows) return;
  const int64_t classes = x.size() / rows;
  launch(target_rank_kernel<T>, block_per_row(rows, classes), here, rows, classes, x, target, rank);
}

#define INSTANTIATE(T)                                                                            \
  template void softmax_forward(Here&, bool, int64_t, Span<const T>, Span<T>);                    \
  template void softmax_backward(Here&, bool, int64_t, Span<const T>, Span<const T>, Span<T>);    \
  template void cross_entropy_forward(Here&, Span<const T>, Span<const int32_t>, Span<acc_t<T>>); \
  template void cross_entropy_backward(Here&, Span<const T>, Span<const int32_t>, Span<const T>,  \
                                       Span<T>);                                                  \
  template void target_rank(Here&, Span<const T>, Span<const int32_t>, Span<int32_t>);
FOR_FLOATING_TYPES(INSTANTIATE)

}  // namespace tweed
