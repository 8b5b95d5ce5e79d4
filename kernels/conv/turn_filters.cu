#include "kernels/conv/turn_filters.h"
#include "kernels/machine/kernel.h"

namespace tweed {
namespace MACHINE {

template <class T>
__global__ void turn_filters_kernel(Turn t, const T* __restrict__ weight, T* __restrict__ turned) {
  const int64_t filters = t.phases * t.phases * t.Ci, taps = t.height * t.width;
  for (int64_t i : grid_stride(filters * taps * t.padded_Co)) {
    const int64_t o = i % t.padded_Co, tap = i / t.padded_Co % taps;
    const int64_t filter = i / (t.padded_Co * taps), c = filter % t.Ci, phase = filter / t.Ci;
    const int64_t kh = t.row + phase / t.phases + (t.height - 1 - tap / t.width) * t.stride;
    const int64_t kw = t.column + phase % t.phases + (t.width - 1 - tap % t.width) * t.stride;
    const bool inside = kh < t.K && kw < t.K && o < t.Co;
    turned[i] = inside ? weight[((o * t.K + kh) * t.K + kw) * t.Ci + c] : store<T>(0);
  }
}

}  // namespace MACHINE
using namespace MACHINE;

template <class M, class T>
void turn_filters(M& here, const Turn& turn, Span<const T> weight, Span<T> turned) {
  launch(turn_filters_kernel<T>, {.grid = ceil_div(turn.size(), 256)}, here, turn, weight, turned);
}

#define INSTANTIATE(T) template void turn_filters(Here&, const Turn&, Span<const T>, Span<T>);
FOR_FLOATING_TYPES(INSTANTIATE)

}  // namespace tweed
