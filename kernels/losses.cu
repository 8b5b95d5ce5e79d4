#include "kernels/losses.h"
#include "kernels/machine/kernel.h"
#include "kernels/math.h"
#include "kernels/packs/packs.h"

namespace tweed {
namespace MACHINE {
#include "kernels/map.h"

template <PairLoss f, class A>
__device__ inline A pair_loss(A x, A y) {
  if (f == PairLoss::squared_difference) return (x - y) * (x - y);
  const A entropy = y * log(y);
  return (y == 0 ? A(0) : entropy) - y * x;
}
template <PairLoss f, bool second, class A>
__device__ inline A pair_slope(A x, A y) {
  if (f == PairLoss::squared_difference) return A(second ? -2 : 2) * (x - y);
  return second ? log(y) + y / y - x : -y;  // y / y makes the infinite slope at 0 PyTorch's NaN
}

template <PairLoss f, class T>
__global__ void pair_loss_forward_kernel(int64_t n, int64_t pieces, const T* __restrict__ x,
                                         const T* __restrict__ y, acc_t<T>* __restrict__ partial) {
  for (int64_t piece : grid_blocks(pieces)) {
    const int64_t first = piece * pair_loss_piece;
    const T* __restrict__ a = x + first;
    const T* __restrict__ b = y + first;
    const acc_t<T> total = block_sum(min(pair_loss_piece, n - first), [&](int64_t i) {
      return pair_loss<f, acc_t<T>>(load(a[i]), load(b[i]));
    });
    if (threadIdx.x == 0) partial[piece] = total;
  }
}

template <PairLoss f, bool second, class T>
__global__ void pair_loss_backward_kernel(int64_t n, double divisor, const T* __restrict__ x,
                                          const T* __restrict__ y, const T* __restrict__ dloss,
                                          T* __restrict__ d) {
  const acc_t<T> scale = load(dloss[0]) / acc_t<T>(divisor);
  map(
      n, [=](T a, T b) { return pair_slope<f, second, acc_t<T>>(load(a), load(b)) * scale; }, d, x,
      y);
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
void pair_loss_forward(M& here, PairLoss f, Span<const T> x, Span<const T> y,
                       Span<acc_t<T>> partial) {
  launch(f == PairLoss::squared_difference
             ? pair_loss_forward_kernel<PairLoss::squared_difference, T>
             : pair_loss_forward_kernel<PairLoss::divergence, T>,
         {.grid = partial.size(), .work = x.size()}, here, x.size(), partial.size(), x, y, partial);
}

template <PairLoss f, class T>
static auto backward_kernel(bool second) {
  return second ? pair_loss_backward_kernel<f, true, T> : pair_loss_backward_kernel<f, false, T>;
}
template <class M, class T>
void pair_loss_backward(M& here, PairLoss f, bool second, double divisor, Span<const T> x,
                        Span<const T> y, Span<const T> dloss, Span<T> d) {
  launch(f == PairLoss::squared_difference
             ? backward_kernel<PairLoss::squared_difference, T>(second)
             : backward_kernel<PairLoss::divergence, T>(second),
         map_config<T>(d.size()), here, d.size(), divisor, x, y, dloss, d);
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

#define INSTANTIATE(T)                                                                            \
  template void pair_loss_forward(Here&, PairLoss, Span<const T>, Span<const T>, Span<acc_t<T>>); \
  template void pair_loss_backward(Here&, PairLoss, bool, double, Span<const T>, Span<const T>,   \
                                   Span<const T>, Span<T>);                                       \
  template void mix_labels(Here&, Span<const int32_t>, Span<const int32_t>, Span<const float>,    \
                           Span<T>);                                                              \
  template void margin_loss_forward(Here&, bool, double, Span<const T>, Span<const int32_t>,      \
                                    Span<acc_t<T>>, Span<int32_t>);                               \
  template void margin_loss_backward(Here&, bool, Span<const int32_t>, Span<const int32_t>,       \
                                     Span<const T>, Span<T>);
FOR_FLOATING_TYPES(INSTANTIATE)

}  // namespace tweed
