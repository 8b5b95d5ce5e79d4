#include "kernels/machine/kernel.h"
#include "kernels/optimizer.h"

namespace tweed {
namespace MACHINE {

template <bool has_velocity, class T>
__global__ void sgd_kernel(int64_t n, acc_t<T> lr, acc_t<T> momentum, acc_t<T> weight_decay,
                           const T* __restrict__ grad, T* __restrict__ velocity,
                           T* __restrict__ weight) {
  for (int64_t i : grid_stride(n)) {
    const acc_t<T> w = load(weight[i]);
    acc_t<T> v = load(grad[i]) + weight_decay * w;
    if constexpr (has_velocity) {
      v += momentum * load(velocity[i]);
      velocity[i] = store<T>(v);
    }
    weight[i] = store<T>(w - lr * v);
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
  launch(velocity.size() ? sgd_kernel<true, T> : sgd_kernel<false, T>,
         {.grid = ceil_div(weight.size(), 256)}, here, weight.size(), A(sgd.lr), A(sgd.momentum),
         A(sgd.weight_decay), grad, velocity, weight);
}

template <class M, class T>
void sum_of_squares(M& here, Span<const T> x, Span<acc_t<T>> scratch, Span<acc_t<T>> result) {
  using A = acc_t<T>;
  const int64_t slabs = sum_of_squares_scratch(x.size());
  launch(squares_kernel<T>, {.grid = slabs}, here, x.size(), slabs, x, scratch);
  launch(squares_join_kernel<A>, {.grid = 1}, here, slabs, Span<const A>(scratch), result);
}

#define INSTANTIATE(T)                                                        \
  template void sgd_step(Here&, const Sgd&, Span<const T>, Span<T>, Span<T>); \
  template void sum_of_squares(Here&, Span<const T>, Span<acc_t<T>>, Span<acc_t<T>>);
FOR_FLOATING_TYPES(INSTANTIATE)

}  // namespace tweed
