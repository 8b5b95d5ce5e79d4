#include "kernels/machine/kernel.h"
#include "kernels/math.h"
#include "kernels/optimizer.h"

namespace tweed {
namespace MACHINE {

template <bool has_velocity, bool nesterov, class G, class T>
__global__ void sgd_kernel(int64_t n, const double* __restrict__ numbers,
                           const G* __restrict__ grad, T* __restrict__ velocity,
                           T* __restrict__ weight) {
  using A = acc_t<T>;
  const A lr = A(numbers[0]), momentum = A(numbers[1]), weight_decay = A(numbers[2]),
          fresh = A(numbers[3]);
  for (int64_t i : grid_stride(n)) {
    const A w = load(weight[i]), g = load(grad[i]) + weight_decay * w;
    A v = g;
    if constexpr (has_velocity) {
      v = fresh * g + momentum * load(velocity[i]);
      velocity[i] = store<T>(v);
    }
    weight[i] = store<T>(w - lr * (nesterov ? g + momentum * v : v));
  }
}

template <class G, class T>
__global__ void adam_kernel(int64_t n, const double* __restrict__ numbers,
                            const G* __restrict__ grad, T* __restrict__ first,
                            T* __restrict__ second, T* __restrict__ weight) {
  using A = acc_t<T>;
  const A step_size = A(numbers[0]), new1 = A(numbers[1]), new2 = A(numbers[2]),
          root = A(numbers[3]), eps = A(numbers[4]), decay_gradient = A(numbers[5]),
          decay_weight = A(numbers[6]);
  for (int64_t i : grid_stride(n)) {
    const A w = load(weight[i]), g = load(grad[i]) + decay_gradient * w;
    const A m0 = load(first[i]), v0 = load(second[i]);
    // In float, beta and 1 - beta do not add up to 1: a beta of 0.999 would make v 1.3e-5 too
    // large. Neither may g - m0 be formed, whose rounding would stay where beta is 0.
    const A m = (m0 - new1 * m0) + new1 * g, v = (v0 - new2 * v0) + new2 * g * g;
    first[i] = store<T>(m);
    second[i] = store<T>(v);
    weight[i] = store<T>(w - (decay_weight * w + step_size * m / (sqrt(v) * root + eps)));
  }
}

template <bool centered, class G, class T>
__global__ void rmsprop_kernel(int64_t n, const double* __restrict__ numbers,
                               const G* __restrict__ grad, T* __restrict__ square,
                               T* __restrict__ mean, T* __restrict__ momentum,
                               T* __restrict__ weight) {
  using A = acc_t<T>;
  const A lr = A(numbers[0]), part = A(numbers[1]), eps = A(numbers[2]),
          weight_decay = A(numbers[3]), kept = A(numbers[4]);
  for (int64_t i : grid_stride(n)) {
    const A w = load(weight[i]), g = load(grad[i]) + weight_decay * w, s0 = load(square[i]);
    const A s = (s0 - part * s0) + part * g * g;
    A variance = s;
    if constexpr (centered) {
      const A m0 = load(mean[i]), m = (m0 - part * m0) + part * g;
      mean[i] = store<T>(m);
      variance = s - m * m;
      if (variance < 0) variance = 0;  // by rounding, where gradients are all alike
    }
    const A b = kept * load(momentum[i]) + g / (sqrt(variance) + eps);
    square[i] = store<T>(s);
    momentum[i] = store<T>(b);
    weight[i] = store<T>(w - lr * b);
  }
}

template <class G, class T>
__global__ void lion_kernel(int64_t n, const double* __restrict__ numbers,
                            const G* __restrict__ grad, T* __restrict__ first,
                            T* __restrict__ weight) {
  using A = acc_t<T>;
  const A lr = A(numbers[0]), new1 = A(numbers[1]), new2 = A(numbers[2]),
          decay_weight = A(numbers[3]);
  for (int64_t i : grid_stride(n)) {
    const A w = load(weight[i]), g = load(grad[i]), m = load(first[i]);
    const A c = (m - new1 * m) + new1 * g;
    const A sign = c > 0 ? A(1) : c < 0 ? A(-1) : c;  // NaN stays NaN
    first[i] = store<T>((m - new2 * m) + new2 * g);
    weight[i] = store<T>(w - (decay_weight * w + lr * sign));
  }
}

template <bool nesterov, class G, class T>
__global__ void muon_momentum_kernel(int64_t n, const double* __restrict__ numbers,
                                     const G* __restrict__ grad, T* __restrict__ first,
                                     T* __restrict__ update) {
  using A = acc_t<T>;
  const A part = A(numbers[muon_first + 1]);
  for (int64_t i : grid_stride(n)) {
    const A g = load(grad[i]), m0 = load(first[i]), m = (m0 - part * m0) + part * g;
    first[i] = store<T>(m);
    update[i] = store<T>(nesterov ? (m - part * m) + part * g : m);
  }
}

template <class T>
__global__ void divide_by_norm_kernel(int64_t n, acc_t<T> eps, const acc_t<T>* __restrict__ square,
                                      T* __restrict__ x) {
  using A = acc_t<T>;
  const A norm = sqrt(square[0]), factor = A(1) / (norm < eps ? eps : norm);
  for (int64_t i : grid_stride(n)) x[i] = store<T>(load(x[i]) * factor);
}

template <class T>
__global__ void weighted_sum_kernel(int64_t n, acc_t<T> a, const T* __restrict__ x, acc_t<T> b,
                                    T* __restrict__ y) {
  for (int64_t i : grid_stride(n)) y[i] = store<T>(a * load(x[i]) + b * load(y[i]));
}

template <class T>
__global__ void muon_apply_kernel(int64_t n, acc_t<T> ratio, const double* __restrict__ numbers,
                                  const T* __restrict__ update, T* __restrict__ weight) {
  using A = acc_t<T>;
  const A step = A(numbers[muon_first]) * ratio, decay = A(numbers[muon_first + 2]);
  for (int64_t i : grid_stride(n)) {
    const A w = load(weight[i]);
    weight[i] = store<T>(w - (decay * w + step * load(update[i])));
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

template <class T>
__global__ void clip_kernel(int64_t n, acc_t<T> most, const acc_t<T>* __restrict__ square,
                            acc_t<T>* __restrict__ norm, T* __restrict__ x) {
  using A = acc_t<T>;
  const A before = sqrt(square[0]), factor = most / (before + A(1e-6));
  if (blockIdx.x == 0 && threadIdx.x == 0) norm[0] = before;
  if (!(factor < 1)) return;
  for (int64_t i : grid_stride(n)) x[i] = store<T>(load(x[i]) * factor);
}

}  // namespace MACHINE
using namespace MACHINE;

template <class M, class G, class T>
void sgd_step(M& here, bool nesterov, Span<const double> numbers, Span<const G> grad,
              Span<T> velocity, Span<T> weight) {
  auto kernel = !velocity.size() ? sgd_kernel<false, false, G, T>
                : nesterov       ? sgd_kernel<true, true, G, T>
                                 : sgd_kernel<true, false, G, T>;
  launch(kernel, {.grid = ceil_div(weight.size(), 256)}, here, weight.size(), numbers, grad,
         velocity, weight);
}

template <class M, class G, class T>
void adam_step(M& here, Span<const double> numbers, Span<const G> grad, Span<T> first,
               Span<T> second, Span<T> weight) {
  launch(adam_kernel<G, T>, {.grid = ceil_div(weight.size(), 256)}, here, weight.size(), numbers,
         grad, first, second, weight);
}

template <class M, class G, class T>
void rmsprop_step(M& here, Span<const double> numbers, Span<const G> grad, Span<T> square,
                  Span<T> mean, Span<T> momentum, Span<T> weight) {
  auto kernel = mean.size() ? rmsprop_kernel<true, G, T> : rmsprop_kernel<false, G, T>;
  launch(kernel, {.grid = ceil_div(weight.size(), 256)}, here, weight.size(), numbers, grad, square,
         mean, momentum, weight);
}

template <class M, class G, class T>
void lion_step(M& here, Span<const double> numbers, Span<const G> grad, Span<T> first,
               Span<T> weight) {
  launch(lion_kernel<G, T>, {.grid = ceil_div(weight.size(), 256)}, here, weight.size(), numbers,
         grad, first, weight);
}

template <class M, class G, class T>
void muon_momentum(M& here, bool nesterov, Span<const double> numbers, Span<const G> grad,
                   Span<T> first, Span<T> update) {
  auto kernel = nesterov ? muon_momentum_kernel<true, G, T> : muon_momentum_kernel<false, G, T>;
  launch(kernel, {.grid = ceil_div(update.size(), 256)}, here, update.size(), numbers, grad, first,
         update);
}
template <class M, class T>
void divide_by_norm(M& here, double eps, Span<const acc_t<T>> square, Span<T> x) {
  launch(divide_by_norm_kernel<T>, {.grid = ceil_div(x.size(), 256)}, here, x.size(), acc_t<T>(eps),
         square, x);
}
template <class M, class T>
void weighted_sum(M& here, double a, Span<const T> x, double b, Span<T> y) {
  launch(weighted_sum_kernel<T>, {.grid = ceil_div(y.size(), 256)}, here, y.size(), acc_t<T>(a), x,
         acc_t<T>(b), y);
}
template <class M, class T>
void muon_apply(M& here, double ratio, Span<const double> numbers, Span<const T> update,
                Span<T> weight) {
  launch(muon_apply_kernel<T>, {.grid = ceil_div(weight.size(), 256)}, here, weight.size(),
         acc_t<T>(ratio), numbers, update, weight);
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

template <class M, class T>
void clip_norm(M& here, double most, Span<const acc_t<T>> square, Span<acc_t<T>> norm, Span<T> x) {
  launch(clip_kernel<T>, {.grid = ceil_div(x.size(), 256)}, here, x.size(), acc_t<T>(most), square,
         norm, x);
}

#define STEPS(G, T)                                                                               \
  template void sgd_step(Here&, bool, Span<const double>, Span<const G>, Span<T>, Span<T>);       \
  template void adam_step(Here&, Span<const double>, Span<const G>, Span<T>, Span<T>, Span<T>);   \
  template void rmsprop_step(Here&, Span<const double>, Span<const G>, Span<T>, Span<T>, Span<T>, \
                             Span<T>);                                                            \
  template void lion_step(Here&, Span<const double>, Span<const G>, Span<T>, Span<T>);            \
  template void muon_momentum(Here&, bool, Span<const double>, Span<const G>, Span<T>, Span<T>);
STEPS(bf16, float)
#define INSTANTIATE(T)                                                                 \
  STEPS(T, T)                                                                          \
  template void divide_by_norm(Here&, double, Span<const acc_t<T>>, Span<T>);          \
  template void weighted_sum(Here&, double, Span<const T>, double, Span<T>);           \
  template void muon_apply(Here&, double, Span<const double>, Span<const T>, Span<T>); \
  template void average_step(Here&, double, Span<const T>, Span<T>);                   \
  template void sum_of_squares(Here&, Span<const T>, Span<acc_t<T>>, Span<acc_t<T>>);  \
  template void clip_norm(Here&, double, Span<const acc_t<T>>, Span<acc_t<T>>, Span<T>);
FOR_FLOATING_TYPES(INSTANTIATE)

}  // namespace tweed
