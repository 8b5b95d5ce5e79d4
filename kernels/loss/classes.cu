#include "kernels/loss/classes.h"
#include "kernels/machine/kernel.h"
#include "kernels/math.h"

namespace tweed {
namespace MACHINE {

// The weight of the class t, which is in range.
template <class T>
__device__ inline acc_t<T> weight_of(const T* weights, int64_t t) {
  return weights ? load(weights[t]) : acc_t<T>(1);
}

template <class T>
__global__ void weights_of_targets_kernel(int64_t rows, int64_t classes, int64_t ignored,
                                          const int32_t* __restrict__ target,
                                          const T* __restrict__ weights,
                                          acc_t<T>* __restrict__ weight) {
  using A = acc_t<T>;
  for (int64_t row : grid_stride(rows)) {
    const int64_t t = target[row];
    weight[row] = t == ignored ? A(0) : t >= 0 && t < classes ? weight_of(weights, t) : A(NAN);
  }
}

template <class T>
__global__ void nll_forward_kernel(int64_t rows, int64_t classes, int64_t ignored,
                                   const T* __restrict__ x, const int32_t* __restrict__ target,
                                   const T* __restrict__ weights, acc_t<T>* __restrict__ loss) {
  using A = acc_t<T>;
  for (int64_t row : grid_stride(rows)) {
    const int64_t t = target[row];
    if (t == ignored)
      loss[row] = 0;
    else if (t >= 0 && t < classes)
      loss[row] = -weight_of(weights, t) * load(x[row * classes + t]);
    else
      loss[row] = A(NAN);
  }
}

template <class T>
__global__ void nll_backward_kernel(int64_t rows, int64_t classes, acc_t<T> count, int64_t ignored,
                                    const int32_t* __restrict__ target,
                                    const T* __restrict__ weights,
                                    const acc_t<T>* __restrict__ divisor, int64_t step,
                                    const T* __restrict__ dloss, T* __restrict__ dx) {
  using A = acc_t<T>;
  const A by = divisor ? count * divisor[0] : count;
  for (int64_t row : grid_rows(rows)) {
    T* __restrict__ out = dx + row * classes;
    const int64_t t = target[row];
    const bool inside = t != ignored && t >= 0 && t < classes;
    const A slope = inside ? -weight_of(weights, t) * (load(dloss[row * step]) / by) : A(0);
    for (int64_t c : block_stride(classes)) out[c] = store<T>(c == t ? slope : A(0));
  }
}

// By how much a class violates the margin; NaN passes.
template <class A>
__device__ inline A excess_of(A margin, A own, A other) {
  const A z = margin - own + other;
  return z <= 0 ? A(0) : z;
}

template <class T>
__global__ void multi_margin_forward_kernel(int64_t rows, int64_t classes, bool squared,
                                            acc_t<T> margin, const T* __restrict__ x,
                                            const int32_t* __restrict__ target,
                                            const T* __restrict__ weights,
                                            acc_t<T>* __restrict__ loss) {
  using A = acc_t<T>;
  for (int64_t row : grid_rows(rows)) {
    const T* __restrict__ in = x + row * classes;
    const int32_t t = target[row];
    const bool inside = t >= 0 && t < classes;
    const A own = inside ? load(in[t]) : A(NAN);
    const A total = warp_sum(classes, [&](int64_t c) {
      const A z = excess_of(margin, own, load(in[c]));
      return int32_t(c) == t ? A(0) : squared ? z * z : z;
    });
    if (threadIdx.x == 0) loss[row] = inside ? total * weight_of(weights, t) / A(classes) : A(NAN);
  }
}

// Each class that violates the margin is pushed down, and the target up by as much as all of them.
template <class T>
__global__ void multi_margin_backward_kernel(int64_t rows, int64_t classes, bool squared,
                                             acc_t<T> margin, acc_t<T> count,
                                             const T* __restrict__ x,
                                             const int32_t* __restrict__ target,
                                             const T* __restrict__ weights, int64_t step,
                                             const T* __restrict__ dloss, T* __restrict__ dx) {
  using A = acc_t<T>;
  for (int64_t row : grid_rows(rows)) {
    const T* __restrict__ in = x + row * classes;
    T* __restrict__ out = dx + row * classes;
    const int32_t t = target[row];
    const bool inside = t >= 0 && t < classes;
    const A own = inside ? load(in[t]) : A(NAN);
    const A weight = inside ? weight_of(weights, t) : A(0);
    const A scale = weight / A(classes) * (load(dloss[row * step]) / count);
    auto slope = [&](int64_t c) {
      const A z = excess_of(margin, own, load(in[c]));
      return int32_t(c) == t || z == 0 ? A(0) : squared ? 2 * z : A(1);
    };
    const A total = warp_sum(classes, slope);
    for (int64_t c : block_stride(classes))
      out[c] = store<T>((int32_t(c) == t ? -total : slope(c)) * scale);
  }
}

template <class T>
__global__ void mix_labels_kernel(int64_t rows, int64_t classes, const int32_t* __restrict__ first,
                                  const int32_t* __restrict__ second,
                                  const float* __restrict__ share, T* __restrict__ p) {
  using A = acc_t<T>;
  for (int64_t row : grid_rows(rows)) {
    const int32_t own = first[row], other = second[row];
    const A part = A(share[row]);
    for (int64_t c : block_stride(classes))
      p[row * classes + c] =
          store<T>((int32_t(c) == own ? 1 - part : A(0)) + (int32_t(c) == other ? part : A(0)));
  }
}

template <class T>
__global__ void margin_loss_forward_kernel(int64_t rows, int64_t classes, bool towards,
                                           double kappa, const T* __restrict__ x,
                                           const int32_t* __restrict__ target,
                                           acc_t<T>* __restrict__ loss,
                                           int32_t* __restrict__ rival) {
  using A = acc_t<T>;
  for (int64_t row : grid_rows(rows)) {
    const T* __restrict__ in = x + row * classes;
    const int32_t t = target[row];
    const A own = t >= 0 && t < classes ? load(in[t]) : A(NAN);
    // Indexes are int32_t, and ranked as A: only that vectorises.
    const A other = warp_max(classes, [&](int64_t c) {
      const A v = load(in[c]);
      return int32_t(c) == t ? -A(INFINITY) : v;
    });
    const A first = -warp_max(classes, [&](int64_t c) {
      const int32_t index = int32_t(c);
      const bool largest = (index != t) & (load(in[c]) == other);
      return largest ? -A(index) : -A(INFINITY);
    });
    const A margin = towards ? other - own : own - other, least = A(-kappa);
    if (threadIdx.x == 0) {
      loss[row] = margin < least ? least : margin;
      rival[row] = margin >= least ? int32_t(first) : -1;
    }
  }
}

template <class T>
__global__ void margin_loss_backward_kernel(int64_t rows, int64_t classes, bool towards,
                                            const int32_t* __restrict__ target,
                                            const int32_t* __restrict__ rival,
                                            const T* __restrict__ dloss, T* __restrict__ dx) {
  using A = acc_t<T>;
  const A scale = load(dloss[0]) / A(towards ? -rows : rows);
  for (int64_t row : grid_rows(rows)) {
    T* __restrict__ out = dx + row * classes;
    const int32_t t = target[row], r = rival[row];
    const A slope = r < 0 ? A(0) : scale;
    for (int64_t c : block_stride(classes)) {
      const int32_t index = int32_t(c);
      out[c] = store<T>(index == t ? slope : index == r ? -slope : A(0));
    }
  }
}

}  // namespace MACHINE
using namespace MACHINE;

template <class M, class T>
void weights_of_targets(M& here, int64_t classes, int64_t ignored, Span<const int32_t> target,
                        Span<const T> weights, Span<acc_t<T>> weight) {
  const int64_t rows = target.size();
  launch(weights_of_targets_kernel<T>, {.grid = ceil_div(rows, 256)}, here, rows, classes, ignored,
         target, weights, weight);
}

template <class M, class T>
void nll_forward(M& here, int64_t ignored, Span<const T> x, Span<const int32_t> target,
                 Span<const T> weights, Span<acc_t<T>> loss) {
  const int64_t rows = loss.size();
  if (!rows) return;
  launch(nll_forward_kernel<T>, {.grid = ceil_div(rows, 256)}, here, rows, x.size() / rows, ignored,
         x, target, weights, loss);
}
template <class M, class T>
void nll_backward(M& here, double count, int64_t ignored, Span<const int32_t> target,
                  Span<const T> weights, Span<const acc_t<T>> divisor, Span<const T> dloss,
                  Span<T> dx) {
  const int64_t rows = target.size();
  if (!rows) return;
  const Dim block = {32, 8};
  launch(nll_backward_kernel<T>,
         {.grid = ceil_div(rows, block.y), .block = block, .work = dx.size()}, here, rows,
         dx.size() / rows, acc_t<T>(count), ignored, target, weights, divisor,
         int64_t(dloss.size() == 1 ? 0 : 1), dloss, dx);
}

template <class M, class T>
void multi_margin_forward(M& here, bool squared, double margin, Span<const T> x,
                          Span<const int32_t> target, Span<const T> weights, Span<acc_t<T>> loss) {
  const int64_t rows = loss.size();
  if (!rows) return;
  launch(multi_margin_forward_kernel<T>, warp_per_row(rows, x.size() / rows), here, rows,
         x.size() / rows, squared, acc_t<T>(margin), x, target, weights, loss);
}
template <class M, class T>
void multi_margin_backward(M& here, bool squared, double margin, double count, Span<const T> x,
                           Span<const int32_t> target, Span<const T> weights, Span<const T> dloss,
                           Span<T> dx) {
  const int64_t rows = target.size();
  if (!rows) return;
  launch(multi_margin_backward_kernel<T>, warp_per_row(rows, x.size() / rows), here, rows,
         x.size() / rows, squared, acc_t<T>(margin), acc_t<T>(count), x, target, weights,
         int64_t(dloss.size() == 1 ? 0 : 1), dloss, dx);
}

template <class M, class T>
void mix_labels(M& here, Span<const int32_t> first, Span<const int32_t> second,
                Span<const float> share, Span<T> p) {
  const int64_t rows = first.size();
  if (!rows) return;
  const Dim block = {32, 8};
  launch(mix_labels_kernel<T>, {.grid = ceil_div(rows, block.y), .block = block, .work = p.size()},
         here, rows, p.size() / rows, first, second, share, p);
}

template <class M, class T>
void margin_loss_forward(M& here, bool towards, double kappa, Span<const T> x,
                         Span<const int32_t> target, Span<acc_t<T>> loss, Span<int32_t> rival) {
  const int64_t rows = loss.size();
  if (!rows) return;
  launch(margin_loss_forward_kernel<T>, warp_per_row(rows, x.size() / rows), here, rows,
         x.size() / rows, towards, kappa, x, target, loss, rival);
}

template <class M, class T>
void margin_loss_backward(M& here, bool towards, Span<const int32_t> target,
                          Span<const int32_t> rival, Span<const T> dloss, Span<T> dx) {
  const int64_t rows = rival.size();
  if (!rows) return;
  const Dim block = {32, 8};
  launch(margin_loss_backward_kernel<T>,
         {.grid = ceil_div(rows, block.y), .block = block, .work = dx.size()}, here, rows,
         dx.size() / rows, towards, target, rival, dloss, dx);
}

#define INSTANTIATE(T)                                                                             \
  template void weights_of_targets(Here&, int64_t, int64_t, Span<const int32_t>, Span<const T>,    \
                                   Span<acc_t<T>>);                                                \
  template void nll_forward(Here&, int64_t, Span<const T>, Span<const int32_t>, Span<const T>,     \
                            Span<acc_t<T>>);                                                       \
  template void nll_backward(Here&, double, int64_t, Span<const int32_t>, Span<const T>,           \
                             Span<const acc_t<T>>, Span<const T>, Span<T>);                        \
  template void multi_margin_forward(Here&, bool, double, Span<const T>, Span<const int32_t>,      \
                                     Span<const T>, Span<acc_t<T>>);                               \
  template void multi_margin_backward(Here&, bool, double, double, Span<const T>,                  \
                                      Span<const int32_t>, Span<const T>, Span<const T>, Span<T>); \
  template void mix_labels(Here&, Span<const int32_t>, Span<const int32_t>, Span<const float>,     \
                           Span<T>);                                                               \
  template void margin_loss_forward(Here&, bool, double, Span<const T>, Span<const int32_t>,       \
                                    Span<acc_t<T>>, Span<int32_t>);                                \
  template void margin_loss_backward(Here&, bool, Span<const int32_t>, Span<const int32_t>,        \
                                     Span<const T>, Span<T>);
FOR_FLOATING_TYPES(INSTANTIATE)

}  // namespace tweed
