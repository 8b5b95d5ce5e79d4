#include "kernels/conv/pack_pixels.h"
#include "kernels/machine/kernel.h"
#include "kernels/packs/packs.h"
#include "kernels/quotient.h"

namespace tweed {
namespace MACHINE {

// A chunk of 16 bytes for a thread: `pixels` of few channels, or a part of one. Where the number of
// channels is `known` (else 0), the compiler tests pixels, not channels.
template <int pixels, int known, class T>
__global__ void __launch_bounds__(pack_threads)
    pack_pixels_kernel(Packing p, int W, int all, Quotient of_line, Quotient of_column,
                       int line_chunks, int column_chunks, int64_t chunks,
                       const T* __restrict__ images, T* __restrict__ packed) {
  constexpr int size = Pack<T>::size, channels = size / pixels;
  const int C = known ? known : all;
  for (int64_t i : grid_stride(chunks)) {
    const int line = of_line.of(int(i)), rest = int(i) - line * line_chunks;
    const int column = of_column.of(rest), first = (rest - column * column_chunks) * size;
    const int begin = column * pixels - int(p.border);
    const T* const from = images + ((int64_t(line) * W + begin) * C + first);
    T out[size] = {};
#pragma unroll
    for (int pixel = 0; pixel < pixels; ++pixel) {
      if (unsigned(begin + pixel) >= unsigned(W)) continue;
#pragma unroll
      for (int c = 0; c < channels; ++c)
        if ((known ? c : first + c) < C) out[pixel * channels + c] = from[pixel * C + c];
    }
    Pack<T> chunk;
    memcpy(chunk.v, out, sizeof out);
    pack_at(packed + i * size) = chunk;
  }
}

}  // namespace MACHINE
using namespace MACHINE;

template <class M, class T>
void pack_pixels(M& here, const Packing& p, int64_t W, int64_t C, Span<const T> images,
                 Span<T> packed) {
  if (!packed.size()) return;
  constexpr int size = Pack<T>::size;
  const int64_t chunks = packed.size() / size, column_chunks = p.depth() / size;
  const auto kernel = p.pixels == 2
                          ? C == 3 ? pack_pixels_kernel<2, 3, T> : pack_pixels_kernel<2, 0, T>
                      : C == 3 ? pack_pixels_kernel<1, 3, T>
                               : pack_pixels_kernel<1, 0, T>;
  const int line_chunks = int(p.columns(W) * column_chunks);
  launch(kernel, pack_config(ceil_div(chunks, pack_threads)), here, p, int(W), int(C),
         Quotient(line_chunks), Quotient(int(column_chunks)), line_chunks, int(column_chunks),
         chunks, images, packed);
}

#define INSTANTIATE(T) \
  template void pack_pixels(Here&, const Packing&, int64_t, int64_t, Span<const T>, Span<T>);
INSTANTIATE(float)
INSTANTIATE(bf16)

}  // namespace tweed
