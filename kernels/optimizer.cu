#include "kernels/machine/kernel.h"
#include "kernels/math.h"
#include "kernels/optimizer.h"

namespace tweed {
namespace MACHINE {

template <bool has_velocity, bool nesterov, class T>
__global__ void sgd_kernel(int64_t n, acc_t<T> lr, acc_t<T> momentum, acc_t<T> weight_decay,
                           const T* __restrict__ grad, T* __restrict__ velocity,
                           T* __restrict__ weight) {
  for (int64_t i : grid_stride(n)) {
    const acc_t<T> w = load(weight[i]), g = load(grad[i]) + weight_decay * w;
    acc_t<T> v = g;
    if constexpr (has_velocity) {
      v += momentum * load(velocity[i]);
      velocity[i] = store<T>(v);
    }
    weight[i] = store<T>(w - lr * (nesterov ? g + momentum * v : v));
  }
}

// What all elements share, worked out once: lr / (1 - beta1^step) and so on.
template <class A>
struct AdamFactors {
  A step_size, beta1, beta2, root, eps, decay_gradient, keep_weight;
};
template <class T>
__global__ void adam_kernel(int64_t n, AdamFactors<acc_t<T>> f, const T* __restrict__ grad,
                            T* __restrict__ first, T* __restrict__ second, T* __restrict__ weight) {
  for (int64_t i : grid_stride(n)) {
    const acc_t<T> w = load(weight[i]), g = load(grad[i]) + f.decay_gradient * w;
    const acc_t<T> m0 = load(first[i]), v0 = load(second[i]);
    const acc_t<T> m = m0 + (1 - f.beta1) * (g - m0), v = f.beta2 * v0 + (1 - f.beta2) * g * g;
    first[i] = store<T>(m);
    second[i] = store<T>(v);
    weight[i] = store<T>(f.keep_weight * w - f.step_size * m / (sqrt(v) * f.root + f.eps));
  }
}

template <class T>
__global__ void average_kernel(int64_t n, acc_t<T> part, const T* __restrict__ weight,
                               T* __restrict__ average) {
  for (int64_t i : grid_stride(n)) {
    const acc_t<T> a = load(average[i]);
    average[i] = store<T>(a + part * (load(weight[i]) - a));
  }
}

template <class T>
__global__ void squares_kernel(int64_t n, int64_t slabs, const T* __restrict__ x,
                               acc_t<T>* __restrict__ partial) {
  for (int64_t slab : grid_blocks(slabs)) {
    const int64_t length = ceil_div(n, slabs), first = min(slab * length, n);
    const T* __restrict__ part = x + first;
    const acc_t<T> total = block_sum(min(length, n - first), [&](int64_t i) {
      const acc_t<T> v = load(part[i]);
      return v * v;
    });
    if (threadIdx.x == 0) partial[slab] = total;
  }
}
template <class A>
__global__ void squares_join_kernel(int64_t slabs, const A* __restrict__ partial,
                                    A* __restrict__ result) {
  for (int64_t row : grid_blocks(1)) {
    const A total = block_sum(slabs, [&](int64_t i) { return partial[i]; });
    if (threadIdx.x == 0) result[row] = total;
  }
}

}  // namespace MACHINE
using namespace MACHINE;

template <class M, class T>
void sgd_step(M& here, const Sgd& sgd, Span<const T> grad, Span<T> velocity, Span<T> weight) {
  using A = acc_t<T>;
  auto kernel = !velocity.size() ? sgd_kernel<false, false, T>
                : sgd.nesterov   ? sgd_kernel<true, true, T>
                                 : sgd_kernel<true, false, T>;
  launch(kernel, {.grid = ceil_div(weight.size(), 256)}, here, weight.size(), A(sgd.lr),
         A(sgd.momentum), A(sgd.weight_decay), grad, velocity, weight);
}

template <class M, class T>
void adam_step(M& here, const AdamRule& adam, int64_t step, Span<const T> grad, Span<T> first,
               Span<T> second, Span<T> weight) {
  using A = acc_t<T>;
  const double correction1 = 1 - std::pow(adam.beta1, double(step)),
               correction2 = 1 - std::pow(adam.beta2, double(step));
  const AdamFactors<A> factors{
      .step_size = A(adam.lr / correction1),
      .beta1 = A(adam.beta1),
      .beta2 = A(adam.beta2),
      .root = A(1 / std::sqrt(correction2)),
      .eps = A(adam.eps),
      .decay_gradient = A(adam.decoupled ? 0 : adam.weight_decay),
      .keep_weight = A(adam.decoupled ? 1 - adam.lr * adam.weight_decay : 1)};
  launch(adam_kernel<T>, {.grid = ceil_div(weight.size(), 256)}, here, weight.size(), factors, grad,
         first, second, weight);
}

template <class M, class T>
void average_step(M& here, double decay, Span<const T> weight, Span<T> average) {
  launch(average_kernel<T>, {.grid = ceil_div(weight.size(), 256)}, here, weight.size(),
         acc_t<T>(1 - decay), weight, average);
}

template <class M, class T>
void sum_of_squares(M& here, Span<const T> x, Span<acc_t<T>> scratch, Span<acc_t<T>> result) {
  using A = acc_t<T>;
  const int64_t slabs = sum_of_squares_scratch(x.size());
  launch(squares_kernel<T>, {.grid = slabs}, here, x.size(), slabs, x, scratch);
  launch(squares_join_kernel<A>, {.grid = 1}, here, slabs, Span<const A>(scratch), result);
}

#define INSTANTIATE(T)                                                                      \
  template void sgd_step(Here&, const Sgd&, Span<const T>, Span<T>, Span<T>);               \
  template void adam_step(Here&, const AdamRule&, int64_t, Span<const T>, Span<T>, Span<T>, \
                          Span<T>);                                                         \
  template void average_step(Here&, double, Span<const T>, Span<T>);                        \
  template void sum_of_squares(Here&, Span<const T>, Span<acc_t<T>>, Span<acc_t<T>>);
FOR_FLOATING_TYPES(INSTANTIATE)

}  // namespace tweed
