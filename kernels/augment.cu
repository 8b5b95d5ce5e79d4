#include "kernels/augment.h"

#include "kernels/machine/kernel.h"

namespace tweed {
namespace MACHINE {

// A row of threads for each row of an image.
template <class T>
__global__ void augment_kernel(int64_t count, int64_t side, int64_t size,
                               const uint8_t* __restrict__ pixels, const int32_t* __restrict__ plan,
                               const float* __restrict__ table, T* __restrict__ images,
                               int32_t* __restrict__ labels) {
  for (int64_t row : grid_rows(count * size)) {
    const int64_t i = row / size, y = row % size;
    const int32_t* view = plan + i * planned_numbers;
    const int64_t image = view[0], from_y = view[1] + y, left = view[2];
    const bool mirrored = view[3] != 0;
    if (y == 0 && threadIdx.x == 0) labels[i] = view[4];
    const bool row_inside = from_y >= 0 && from_y < side;
    const uint8_t* from = pixels + (image * side + (row_inside ? from_y : 0)) * side * 3;
    T* to = images + row * size * 3;
    for (int64_t x : block_stride(size)) {
      const int64_t from_x = left + (mirrored ? size - 1 - x : x);
      const bool inside = row_inside && from_x >= 0 && from_x < side;
      for (int64_t c = 0; c < 3; ++c)
        to[x * 3 + c] =
            store<T>(inside ? acc_t<T>(table[c * 256 + from[from_x * 3 + c]]) : acc_t<T>(0));
    }
  }
}

}  // namespace MACHINE
using namespace MACHINE;

template <class M, class T>
void augment(M& here, int64_t side, int64_t size, Span<const uint8_t> pixels,
             Span<const int32_t> plan, Span<const float> table, Span<T> images,
             Span<int32_t> labels) {
  const Dim block = {32, 8};
  launch(augment_kernel<T>,
         {.grid = ceil_div(labels.size() * size, block.y), .block = block, .work = images.size()},
         here, labels.size(), side, size, pixels, plan, table, images, labels);
}

#define INSTANTIATE(T)                                                                  \
  template void augment(Here&, int64_t, int64_t, Span<const uint8_t>, Span<const int32_t>, \
                        Span<const float>, Span<T>, Span<int32_t>);
FOR_FLOATING_TYPES(INSTANTIATE)

}  // namespace tweed
