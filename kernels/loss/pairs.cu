#include "kernels/loss/pairs.h"
#include "kernels/machine/kernel.h"
#include "kernels/math.h"
#include "kernels/packs/packs.h"

namespace tweed {
namespace MACHINE {
#include "kernels/map.h"

// log(1 + exp(-x)), which neither overflows nor loses a small result.
template <class A>
__device__ inline A softplus_of_minus(A x) {
  return (x < 0 ? -x : A(0)) + log1p(exp(x < 0 ? x : -x));
}

template <PairLoss f, class A>
__device__ inline A pair_loss(A x, A y, A p, A w) {
  const A d = x - y, size = d < 0 ? -d : d;
  if (f == PairLoss::squared_difference) return d * d;
  if (f == PairLoss::absolute_difference) return size;
  if (f == PairLoss::smooth_difference) return size < p ? d * d / (2 * p) : size - p / 2;
  if (f == PairLoss::logistic) return (1 - y) * x + (1 + (w - 1) * y) * softplus_of_minus(x);
  const A entropy = y * log(y);
  return (y == 0 ? A(0) : entropy) - y * x;
}
template <PairLoss f, bool second, class A>
__device__ inline A pair_slope(A x, A y, A p, A w) {
  const A d = x - y, opposite = second ? -1 : 1;
  if (f == PairLoss::squared_difference) return A(second ? -2 : 2) * d;
  if (f == PairLoss::absolute_difference || f == PairLoss::smooth_difference) {
    const bool smooth = f == PairLoss::smooth_difference, curved = smooth && (d < 0 ? -d : d) < p;
    const A sign = d > 0 ? A(1) : d < 0 ? A(-1) : smooth ? d : A(0);  // of NaN as PyTorch's
    return opposite * (curved ? d / p : sign);
  }
  if (f == PairLoss::logistic) {
    if (second) return (w == 1 ? A(0) : (w - 1) * softplus_of_minus(x)) - x;
    // The smaller of s(x) and 1 - s(x) is computed as it is.
    const A share = 1 + (w - 1) * y;
    return x < 0 ? share * logistic(x) + (1 - y - share) : 1 - y - share * logistic(-x);
  }
  return second ? log(y) + y / y - x : -y;  // y / y makes the infinite slope at 0 PyTorch's NaN
}

template <PairLoss f, class T>
__global__ void pair_loss_forward_kernel(int64_t n, int64_t pieces, acc_t<T> p,
                                         const T* __restrict__ x, const T* __restrict__ y,
                                         acc_t<T>* __restrict__ partial) {
  for (int64_t piece : grid_blocks(pieces)) {
    const int64_t first = piece * pair_loss_piece;
    const T* __restrict__ a = x + first;
    const T* __restrict__ b = y + first;
    const acc_t<T> total = block_sum(min(pair_loss_piece, n - first), [&](int64_t i) {
      return pair_loss<f, acc_t<T>>(load(a[i]), load(b[i]), p, 1);
    });
    if (threadIdx.x == 0) partial[piece] = total;
  }
}

template <PairLoss f, bool second, class T>
__global__ void pair_loss_backward_kernel(int64_t n, acc_t<T> p, double divisor,
                                          const T* __restrict__ x, const T* __restrict__ y,
                                          const T* __restrict__ dloss, T* __restrict__ d) {
  const acc_t<T> scale = load(dloss[0]) / acc_t<T>(divisor);
  map(
      n, [=](T a, T b) { return pair_slope<f, second, acc_t<T>>(load(a), load(b), p, 1) * scale; },
      d, x, y);
}

template <PairLoss f, class T>
__global__ void pair_loss_each_kernel(int64_t n, acc_t<T> p, const T* __restrict__ x,
                                      const T* __restrict__ y, const T* __restrict__ all,
                                      const T* __restrict__ positive, acc_t<T>* __restrict__ loss) {
  using A = acc_t<T>;
  for (int64_t i : grid_stride(n)) {
    const A v = pair_loss<f, A>(load(x[i]), load(y[i]), p, positive ? load(positive[i]) : A(1));
    loss[i] = all ? load(all[i]) * v : v;
  }
}

template <PairLoss f, bool second, class T>
__global__ void pair_loss_each_backward_kernel(int64_t n, acc_t<T> p, acc_t<T> divisor,
                                               const T* __restrict__ x, const T* __restrict__ y,
                                               const T* __restrict__ all,
                                               const T* __restrict__ positive, int64_t step,
                                               const T* __restrict__ dloss, T* __restrict__ d) {
  using A = acc_t<T>;
  for (int64_t i : grid_stride(n)) {
    const A w = positive ? load(positive[i]) : A(1);
    const A v = pair_slope<f, second, A>(load(x[i]), load(y[i]), p, w);
    d[i] = store<T>((all ? load(all[i]) * v : v) * (load(dloss[i * step]) / divisor));
  }
}

}  // namespace MACHINE
using namespace MACHINE;

// Calls with<f>() for a loss that is chosen at run time.
template <class F>
static void with_pair_loss(PairLoss f, F with) {
  switch (f) {
    case PairLoss::squared_difference:
      return with.template operator()<PairLoss::squared_difference>();
    case PairLoss::absolute_difference:
      return with.template operator()<PairLoss::absolute_difference>();
    case PairLoss::smooth_difference:
      return with.template operator()<PairLoss::smooth_difference>();
    case PairLoss::divergence:
      return with.template operator()<PairLoss::divergence>();
    case PairLoss::logistic:
      return with.template operator()<PairLoss::logistic>();
  }
}

template <class M, class T>
void pair_loss_forward(M& here, PairLoss f, double p, Span<const T> x, Span<const T> y,
                       Span<acc_t<T>> partial) {
  with_pair_loss(f, [&]<PairLoss formula>() {
    launch(pair_loss_forward_kernel<formula, T>, {.grid = partial.size(), .work = x.size()}, here,
           x.size(), partial.size(), acc_t<T>(p), x, y, partial);
  });
}

template <class M, class T>
void pair_loss_backward(M& here, PairLoss f, double p, bool second, double divisor, Span<const T> x,
                        Span<const T> y, Span<const T> dloss, Span<T> d) {
  with_pair_loss(f, [&]<PairLoss formula>() {
    launch(second ? pair_loss_backward_kernel<formula, true, T>
                  : pair_loss_backward_kernel<formula, false, T>,
           map_config<T>(d.size()), here, d.size(), acc_t<T>(p), divisor, x, y, dloss, d);
  });
}

template <class M, class T>
void pair_loss_each(M& here, PairLoss f, double p, Span<const T> x, Span<const T> y,
                    PairWeights<T> weights, Span<acc_t<T>> loss) {
  with_pair_loss(f, [&]<PairLoss formula>() {
    launch(pair_loss_each_kernel<formula, T>, {.grid = ceil_div(x.size(), 256)}, here, x.size(),
           acc_t<T>(p), x, y, weights.all, weights.positive, loss);
  });
}

template <class M, class T>
void pair_loss_each_backward(M& here, PairLoss f, double p, bool second, double divisor,
                             Span<const T> x, Span<const T> y, PairWeights<T> weights,
                             Span<const T> dloss, Span<T> d) {
  const int64_t n = d.size(), step = dloss.size() == 1 ? 0 : 1;
  with_pair_loss(f, [&]<PairLoss formula>() {
    launch(second ? pair_loss_each_backward_kernel<formula, true, T>
                  : pair_loss_each_backward_kernel<formula, false, T>,
           {.grid = ceil_div(n, 256)}, here, n, acc_t<T>(p), acc_t<T>(divisor), x, y, weights.all,
           weights.positive, step, dloss, d);
  });
}

#define INSTANTIATE(T)                                                                        \
  template void pair_loss_forward(Here&, PairLoss, double, Span<const T>, Span<const T>,      \
                                  Span<acc_t<T>>);                                            \
  template void pair_loss_backward(Here&, PairLoss, double, bool, double, Span<const T>,      \
                                   Span<const T>, Span<const T>, Span<T>);                    \
  template void pair_loss_each(Here&, PairLoss, double, Span<const T>, Span<const T>,         \
                               PairWeights<T>, Span<acc_t<T>>);                               \
  template void pair_loss_each_backward(Here&, PairLoss, double, bool, double, Span<const T>, \
                                        Span<const T>, PairWeights<T>, Span<const T>, Span<T>);
FOR_FLOATING_TYPES(INSTANTIATE)

}  // namespace tweed
