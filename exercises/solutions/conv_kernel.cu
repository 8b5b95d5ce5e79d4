// A convolution of 3x3, from a tile of pixels and its halo in shared memory.
#include "conv_kernel.h"
#include "kernels/machine/kernel.h"

namespace tweed::exercise {
namespace MACHINE {
using namespace tweed::MACHINE;

constexpr int tile = 8, with_halo = tile + 2, taps = 3 * 3 * conv_in;

__global__ void conv3x3_kernel(int height, int width, const float* x, const float* w, float* y) {
  // An odd number of words a filter: lanes that read the same tap of theirs find it in 32 banks.
  __shared__ float pixels[with_halo][with_halo][conv_in], filters[conv_out][taps + 1];
  const int across = (width + tile - 1) / tile, down = (height + tile - 1) / tile;
  const int image = int(blockIdx.x) / (across * down), place = int(blockIdx.x) % (across * down);
  const int top = place / across * tile, left = place % across * tile;
  const int channel = threadIdx.x, column = threadIdx.y, t = column * conv_out + channel;
  x += int64_t(image) * height * width * conv_in;
  y += int64_t(image) * height * width * conv_out;
  for (int i = t; i < conv_out * taps; i += 256) filters[i / taps][i % taps] = w[i];
  for (int i = t; i < with_halo * with_halo * conv_in; i += 256) {
    const int c = i % conv_in, at = i / conv_in, r = at / with_halo, s = at % with_halo;
    const int row = top + r - 1, col = left + s - 1;
    const bool inside = row >= 0 && row < height && col >= 0 && col < width;
    pixels[r][s][c] = inside ? x[(row * width + col) * conv_in + c] : 0;
  }
  __syncthreads();
  for (int r = 0; r < tile; ++r) {
    if (top + r >= height || left + column >= width) continue;
    float sum = 0;
    for (int tap = 0; tap < taps; ++tap)
      sum += pixels[r + tap / conv_in / 3][column + tap / conv_in % 3][tap % conv_in] *
             filters[channel][tap];
    y[((top + r) * width + left + column) * conv_out + channel] = sum;
  }
}

}  // namespace MACHINE
using namespace MACHINE;
using tweed::MACHINE::Here;

template <class M>
void conv_kernel(M& here, const ConvShape& shape, Span<const float> x, Span<const float> w,
                 Span<float> y) {
  const int64_t tiles = ceil_div(shape.height, tile) * ceil_div(shape.width, tile);
  launch(conv3x3_kernel, {.grid = shape.images * tiles, .block = {conv_out, tile}}, here,
         shape.height, shape.width, x, w, y);
}
template void conv_kernel(Here&, const ConvShape&, Span<const float>, Span<const float>,
                          Span<float>);

}  // namespace tweed::exercise
