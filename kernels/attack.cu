#include "kernels/attack.h"
#include "kernels/machine/kernel.h"

namespace tweed {
namespace MACHINE {

template <class T>
struct BitsOf;
template <>
struct BitsOf<float> {
  using type = int32_t;
};
template <>
struct BitsOf<double> {
  using type = int64_t;
};
template <>
struct BitsOf<bf16> {
  using type = int16_t;
};

// The neighbour of x above (by = 1) or below (by = -1): bit patterns are ordered as the numbers
// are, once those of negative numbers are turned round.
template <class T>
__device__ inline T neighbour(T x, int by) {
  using I = typename BitsOf<T>::type;
  constexpr I lowest = I(I(1) << (8 * sizeof(I) - 2)) * -2;
  I i;
  memcpy(&i, &x, sizeof i);
  i = I(i < 0 ? lowest - i : i);
  i = I(i + by);
  i = I(i < 0 ? lowest - i : i);
  memcpy(&x, &i, sizeof i);
  return x;
}

// Whether a - b > eps without rounding: e is the error of the subtraction (Knuth's two-sum).
template <class A>
__device__ inline bool exceeds(A a, A b, A eps) {
  const A d = a - b, t = d - a, e = (a - (d - t)) + (-b - t);
  return (d > eps) | ((d == eps) & (e > 0));
}

template <class T>
__device__ inline T project(acc_t<T> v, acc_t<T> x0, acc_t<T> eps, acc_t<T> lo, acc_t<T> hi) {
  using A = acc_t<T>;
  T top = store<T>(x0 + eps), bottom = store<T>(x0 - eps);
  top = exceeds(load(top), x0, eps) ? neighbour(top, -1) : top;
  bottom = exceeds(x0, load(bottom), eps) ? neighbour(bottom, 1) : bottom;
  const A inside = min(max(v, load(bottom)), load(top));
  return store<T>(min(max(inside, lo), hi));
}

template <class T>
__global__ void uniform_kernel(int64_t n, RandomKey first, const int32_t* __restrict__ clock,
                               T* __restrict__ y) {
  const RandomKey key = first.at(clock);
  const int64_t skip = key.skipped(n);
  for (int64_t four : grid_stride((n + 3) / 4)) {
    const Random4 random = key.block(four, skip);
    for (int k = 0; k < 4; ++k)
      if (four * 4 + k < n)
        y[four * 4 + k] = store<T>(acc_t<T>(2 * uniform_float(random.v[k]) - 1));
  }
}

// Images have three channels: loops that short are slow, so the vectors over channels are repeated
// in shared memory to a period of a few hundred elements.
constexpr int64_t attack_period = 252;
template <bool start, class T>
__global__ void attack_kernel(int64_t n, int64_t C, int64_t period, const T* __restrict__ x0,
                              const T* __restrict__ grad, const T* __restrict__ step,
                              const T* __restrict__ eps, const T* __restrict__ lo,
                              const T* __restrict__ hi, T* __restrict__ x_adv) {
  using A = acc_t<T>;
  A* __restrict__ steps = dynamic_shared<A>();
  A* __restrict__ radius = steps + period;
  A* __restrict__ least = radius + period;
  A* __restrict__ most = least + period;
  if (threadIdx.y == 0)
    for (int64_t i : block_stride(period)) {
      steps[i] = start ? A(0) : load(step[i % C]);
      radius[i] = load(eps[i % C]);
      least[i] = load(lo[i % C]);
      most[i] = load(hi[i % C]);
    }
  __syncthreads();
  for (int64_t row : grid_rows(ceil_div(n, period))) {
    const int64_t first = row * period, width = min(period, n - first);
    const T* __restrict__ centre = x0 + first;
    const T* __restrict__ slope = start ? nullptr : grad + first;
    T* __restrict__ x = x_adv + first;
    for (int64_t c : block_stride(width)) {
      A v = load(centre[c]) + radius[c] * load(x[c]);
      if constexpr (!start) {
        const A g = load(slope[c]);
        v = load(x[c]) + (g > 0 ? steps[c] : g < 0 ? -steps[c] : A(0));
      }
      x[c] = project<T>(v, load(centre[c]), radius[c], least[c], most[c]);
    }
  }
}

}  // namespace MACHINE
using namespace MACHINE;

template <bool start, class T>
static void launch_attack(Here& here, Span<const T> x0, Span<const T> grad, Span<const T> step,
                          const AttackBox<T>& box, Span<T> x_adv) {
  const int64_t n = x_adv.size(), C = box.eps.size();
  if (n == 0 || C == 0) return;
  const int64_t period = C < attack_period ? C * (attack_period / C) : C;
  const Dim block = {32, 8};
  launch(attack_kernel<start, T>,
         {.grid = ceil_div(ceil_div(n, period), block.y),
          .block = block,
          .shared = 4 * std::size_t(period) * sizeof(acc_t<T>)},
         here, n, C, period, x0, grad, step, box.eps, box.lo, box.hi, x_adv);
}

template <class M, class T>
void sign_step(M& here, Span<const T> x0, Span<const T> grad, Span<const T> step,
               const AttackBox<T>& box, Span<T> x_adv) {
  launch_attack<false, T>(here, x0, grad, step, box, x_adv);
}

template <class M, class T>
void random_start(M& here, const ClockedKey& key, Span<const T> x0, const AttackBox<T>& box,
                  Span<T> x_adv) {
  launch(uniform_kernel<T>, {.grid = ceil_div(x_adv.size(), 1024)}, here, x_adv.size(), key.key,
         key.clock, x_adv);
  launch_attack<true, T>(here, x0, {}, {}, box, x_adv);
}

#define INSTANTIATE(T)                                                                             \
  template void sign_step(Here&, Span<const T>, Span<const T>, Span<const T>, const AttackBox<T>&, \
                          Span<T>);                                                                \
  template void random_start(Here&, const ClockedKey&, Span<const T>, const AttackBox<T>&, Span<T>);
FOR_FLOATING_TYPES(INSTANTIATE)

}  // namespace tweed
