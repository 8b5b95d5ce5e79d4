#include <type_traits>

#include "kernels/machine/kernel.h"
#include "kernels/math.h"
#include "kernels/softmax.h"

namespace tweed {
namespace MACHINE {

// A warp per row throughout. Subtracting the largest logit first keeps exp from overflowing.

template <bool logarithm, class T>
__global__ void softmax_forward_kernel(int64_t rows, int64_t classes, const T* __restrict__ x,
                                       T* __restrict__ y) {
  using A = acc_t<T>;
  for (int64_t row : grid_rows(rows)) {
    const T* __restrict__ in = x + row * classes;
    T* __restrict__ out = y + row * classes;
    const A top = warp_max(classes, [&](int64_t c) { return load(in[c]); });
    const A sum = warp_sum(classes, [&](int64_t c) { return exp(load(in[c]) - top); });
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
  for (int64_t row : grid_rows(rows)) {
    const T* __restrict__ y_row = y + row * classes;
    const T* __restrict__ dy_row = dy + row * classes;
    T* __restrict__ out = dx + row * classes;
    const A sum = warp_sum(classes, [&](int64_t c) {
      return logarithm ? load(dy_row[c]) : load(dy_row[c]) * load(y_row[c]);
    });
    for (int64_t c : block_stride(classes)) {
      const A v = load(y_row[c]), g = load(dy_row[c]);
      out[c] = store<T>(logarithm ? g - exp(v) * sum : v * (g - sum));
    }
  }
}

// What cross-entropy compares a row with: the class `hit` with probability 1 - smoothing, or all
// classes with 1 - smoothing times their probability, and with smoothing / classes each. Classes
// count with their weight, 1 without `weights`.
template <class T>
struct Blend {
  using A = acc_t<T>;
  A share, rest;
  const T* weights;
  __device__ Blend(double smoothing, int64_t classes, const T* weights)
      : share(A(1 - smoothing)), rest(A(smoothing / double(classes))), weights(weights) {}
  __device__ A weight(int64_t c) const { return weights ? load(weights[c]) : A(1); }
  __device__ A soft(int64_t c, A probability) const {
    return weight(c) * (share * probability + rest);
  }
};

// `target` holds a class of each row (int32_t), or a probability of each class (T).
template <class T, class Target>
__global__ void cross_entropy_forward_kernel(int64_t rows, int64_t classes, double smoothing,
                                             int64_t ignored, const T* __restrict__ x,
                                             const Target* __restrict__ target,
                                             const T* __restrict__ weights,
                                             acc_t<T>* __restrict__ loss) {
  using A = acc_t<T>;
  const Blend<T> blend(smoothing, classes, weights);
  for (int64_t row : grid_rows(rows)) {
    const T* __restrict__ in = x + row * classes;
    const A top = warp_max(classes, [&](int64_t c) { return load(in[c]); });
    const A log_sum = log(warp_sum(classes, [&](int64_t c) { return exp(load(in[c]) - top); }));
    auto surprise = [&](int64_t c) { return log_sum - (load(in[c]) - top); };
    A total = 0;
    if constexpr (std::is_same_v<Target, int32_t>) {
      const int32_t t = target[row];
      total = t >= 0 && t < classes ? blend.share * blend.weight(t) * surprise(t) : A(NAN);
      if (smoothing > 0)  // 0 times an infinite surprise would be NaN
        total += blend.rest *
                 warp_sum(classes, [&](int64_t c) { return blend.weight(c) * surprise(c); });
      if (t == ignored) total = 0;
    } else {
      const T* __restrict__ p = target + row * classes;
      total = warp_sum(classes, [&](int64_t c) { return blend.soft(c, load(p[c])) * surprise(c); });
    }
    if (threadIdx.x == 0) loss[row] = total;
  }
}

template <class T, class Target>
__global__ void cross_entropy_backward_kernel(int64_t rows, int64_t classes, acc_t<T> count,
                                              double smoothing, int64_t ignored,
                                              const T* __restrict__ x,
                                              const Target* __restrict__ target,
                                              const T* __restrict__ weights,
                                              const acc_t<T>* __restrict__ divisor, int64_t step,
                                              const T* __restrict__ dloss, T* __restrict__ dx) {
  using A = acc_t<T>;
  const Blend<T> blend(smoothing, classes, weights);
  const A by = divisor ? count * divisor[0] : count;
  for (int64_t row : grid_rows(rows)) {
    const T* __restrict__ in = x + row * classes;
    T* __restrict__ out = dx + row * classes;
    const A scale = load(dloss[row * step]) / by;
    const A top = warp_max(classes, [&](int64_t c) { return load(in[c]); });
    const A sum = warp_sum(classes, [&](int64_t c) { return exp(load(in[c]) - top); });
    // With q for what the row is compared with, the gradient is softmax(x) sum(q) - q.
    if constexpr (std::is_same_v<Target, int32_t>) {
      const int64_t t = target[row];
      if (t == ignored) {
        for (int64_t c : block_stride(classes)) out[c] = store<T>(0);
        continue;
      }
      const A hit = t >= 0 && t < classes ? blend.share * blend.weight(t) : A(0);
      A mass = hit;
      if (smoothing > 0)
        mass += blend.rest * warp_sum(classes, [&](int64_t c) { return blend.weight(c); });
      for (int64_t c : block_stride(classes)) {
        const A q = blend.rest * blend.weight(c) + (c == t ? hit : A(0));
        out[c] = store<T>((exp(load(in[c]) - top) / sum * mass - q) * scale);
      }
    } else {
      const T* __restrict__ p = target + row * classes;
      const A mass = warp_sum(classes, [&](int64_t c) { return blend.soft(c, load(p[c])); });
      for (int64_t c : block_stride(classes))
        out[c] =
            store<T>((exp(load(in[c]) - top) / sum * mass - blend.soft(c, load(p[c]))) * scale);
    }
  }
}

template <class T>
__global__ void target_rank_kernel(int64_t rows, int64_t classes, const T* __restrict__ x,
                                   const int32_t* __restrict__ target, int32_t* __restrict__ rank) {
  for (int64_t row : grid_rows(rows)) {
    const T* __restrict__ in = x + row * classes;
    const int64_t t = target[row];
    const bool inside = t >= 0 && t < classes;
    const acc_t<T> own = inside ? load(in[t]) : acc_t<T>(NAN);
    const int before = warp_sum(classes, [&](int64_t c) {
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
         warp_per_row(rows, classes), here, rows, classes, x, y);
}
template <class M, class T>
void softmax_backward(M& here, bool logarithm, int64_t rows, Span<const T> y, Span<const T> dy,
                      Span<T> dx) {
  if (!rows) return;
  const int64_t classes = y.size() / rows;
  launch(logarithm ? softmax_backward_kernel<true, T> : softmax_backward_kernel<false, T>,
         warp_per_row(rows, classes), here, rows, classes, y, dy, dx);
}

template <class M, class T, class Target>
void cross_entropy_forward(M& here, double smoothing, int64_t ignored, Span<const T> x,
                           Span<const Target> target, Span<const T> weights, Span<acc_t<T>> loss) {
  const int64_t rows = loss.size();
  if (!rows) return;
  const int64_t classes = x.size() / rows;
  launch(cross_entropy_forward_kernel<T, Target>, warp_per_row(rows, classes), here, rows, classes,
         smoothing, ignored, x, target, weights, loss);
}
template <class M, class T, class Target>
void cross_entropy_backward(M& here, int64_t rows, double count, double smoothing, int64_t ignored,
                            Span<const T> x, Span<const Target> target, Span<const T> weights,
                            Span<const acc_t<T>> divisor, Span<const T> dloss, Span<T> dx) {
  if (!rows) return;
  const int64_t classes = x.size() / rows, step = dloss.size() == 1 ? 0 : 1;
  launch(cross_entropy_backward_kernel<T, Target>, warp_per_row(rows, classes), here, rows, classes,
         acc_t<T>(count), smoothing, ignored, x, target, weights, divisor, step, dloss, dx);
}
template <class M, class T>
void target_rank(M& here, Span<const T> x, Span<const int32_t> target, Span<int32_t> rank) {
  const int64_t rows = target.size();
  if (!rows) return;
  const int64_t classes = x.size() / rows;
  launch(target_rank_kernel<T>, warp_per_row(rows, classes), here, rows, classes, x, target, rank);
}

#define INSTANTIATE_TARGET(T, Target)                                                            \
  template void cross_entropy_forward(Here&, double, int64_t, Span<const T>, Span<const Target>, \
                                      Span<const T>, Span<acc_t<T>>);                            \
  template void cross_entropy_backward(Here&, int64_t, double, double, int64_t, Span<const T>,   \
                                       Span<const Target>, Span<const T>, Span<const acc_t<T>>,  \
                                       Span<const T>, Span<T>);
#define INSTANTIATE(T)                                                                         \
  template void softmax_forward(Here&, bool, int64_t, Span<const T>, Span<T>);                 \
  template void softmax_backward(Here&, bool, int64_t, Span<const T>, Span<const T>, Span<T>); \
  INSTANTIATE_TARGET(T, int32_t)                                                               \
  INSTANTIATE_TARGET(T, T)                                                                     \
  template void target_rank(Here&, Span<const T>, Span<const int32_t>, Span<int32_t>);
FOR_FLOATING_TYPES(INSTANTIATE)

}  // namespace tweed
