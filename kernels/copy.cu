#include "kernels/copy.h"
#include "kernels/machine/kernel.h"
#include "kernels/packs/packs.h"

namespace tweed {
namespace MACHINE {
#include "kernels/map.h"

template <class T>
__global__ void fill_kernel(T* __restrict__ y, int64_t n, T value) {
  map(
      n, [=] { return load(value); }, y);
}

__global__ void count_up_kernel(int32_t* __restrict__ y, int64_t n, int32_t by) {
  for (int64_t i : grid_stride(n)) y[i] += by;
}

template <class From, class To>
__global__ void convert_kernel(const From* __restrict__ x, To* __restrict__ y, int64_t n) {
  map(
      n, [](From v) { return acc_t<To>(load(v)); }, y, x);
}

}  // namespace MACHINE
using namespace MACHINE;

template <class M, class T>
void fill(M& here, Span<T> y, double value) {
  launch(fill_kernel<T>, map_config<T>(y.size()), here, y, y.size(), store<T>(acc_t<T>(value)));
}

template <class M>
void count_up(M& here, Span<int32_t> y, int32_t by) {
  launch(count_up_kernel, {.grid = ceil_div(y.size(), 256)}, here, y, y.size(), by);
}

template <class M, class From, class To>
void convert(M& here, Span<const From> x, Span<To> y) {
  launch(convert_kernel<From, To>, map_config<From, To>(y.size()), here, x, y, y.size());
}

#define FILL(T) template void fill(Here&, Span<T>, double);
FOR_ALL_TYPES(FILL)
template void count_up(Here&, Span<int32_t>, int32_t);
#define FROM(From)                                               \
  template void convert(Here&, Span<const From>, Span<float>);   \
  template void convert(Here&, Span<const From>, Span<double>);  \
  template void convert(Here&, Span<const From>, Span<bf16>);    \
  template void convert(Here&, Span<const From>, Span<f16>);     \
  template void convert(Here&, Span<const From>, Span<int32_t>); \
  template void convert(Here&, Span<const From>, Span<uint8_t>);
FOR_ALL_TYPES(FROM)

}  // namespace tweed
