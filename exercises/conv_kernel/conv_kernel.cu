// A convolution of 3x3, from a tile of pixels and its halo in shared memory.
#include "conv_kernel.h"
#include "kernels/machine/kernel.h"

namespace tweed::exercise {
namespace MACHINE {
using namespace tweed::MACHINE;

constexpr int tile = 8, with_halo = tile + 2, taps = 3 * 3 * conv_in;

__global__ void conv3x3_kernel(int height, int width, const float* x, const float* w, float* y) {
  // Is the width of a row of filters a good one?
  __shared__ float pixels[with_halo][with_halo][conv_in], filters[conv_out][taps];
  const int across = (width + tile - 1) / tile, down = (height + tile - 1) / tile;
  const int image = int(blockIdx.x) / (across * down), place = int(blockIdx.x) % (across * down);
  const int top = place / across * tile, left = place % across * tile;
  const int channel = threadIdx.x, column = threadIdx.y, t = column * conv_out + channel;
  x += int64_t(image) * height * width * conv_in;
  y += int64_t(image) * height * width * conv_out;
  // WRITE: the block's 256 threads load all filters, and the tile's pixels with a border of one
  // around it: 0 where there is no image. Then each thread computes one channel of a column of 8
  // pixels.
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
