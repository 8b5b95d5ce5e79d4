// The third rung: the matrix product of im2col, without im2col's matrix.
//
// What im2col wastes: it writes every pixel K x K / stride^2 times to global memory, and the
// product reads it all back. For a 3x3 window that is 9 writes and 9 reads or more of each pixel,
// and a workspace that has to be cut into pieces.
//
// What this does: a block computes a tile of 64 places by 64 channels. For 16 steps of k at a time
// it gathers 64 x 16 numbers of the image and 64 x 16 of the weights into shared memory: 2,048
// numbers, 8 KiB in float, for 2 x 64 x 64 x 16 = 131,072 operations. That is 16 operations a byte,
// where the naive kernel has a quarter of one. From shared memory each of 256 threads takes 4 + 4
// numbers to its registers for 4 x 4 multiply-adds. The next tiles are on their way from global
// memory while the block multiplies.
//
//             k ->   16      channels 64             The thread (x, y) of the block has
//                 +------+   +-----------+           places 4y .. 4y+3, channels 4x .. 4x+3:
//                 |  A   |   |     B     | 16        4 x 4 sums in registers, until
//       places 64 |      |   +-----------+           k has passed over the whole patch.
//                 |      |   |           |
//                 +------+   |  sums     | 64        A: gathered from the image
//                            |           |           B: the weights
//                            +-----------+
#include "kernels/conv/implicit.h"
#include "kernels/conv/slide.h"
#include "kernels/conv/turn_filters.h"
#include "kernels/machine/kernel.h"

namespace tweed {
namespace MACHINE {

constexpr int tile = conv_tile, depth = 16, side = 4;  // side x side sums a thread
constexpr int across = tile / side;                    // the block is across x across threads
// Threads write a tile's columns (k is contiguous in memory) and read its rows. 64 numbers a row
// would put a column into one bank of the 32; four more spread it over 8, and keep rows aligned.
constexpr int padded = tile + 4;

// Four neighbours in shared memory, read with one instruction.
template <class A>
struct alignas(16) Four {
  A v[side];
};

// Which numbers of a tile a thread loads: row(i) and k(i) for i < 4. Neighbouring threads load what
// neighbours in memory: along k, or along the rows.
struct AlongK {
  __device__ static int index() { return threadIdx.y * across + threadIdx.x; }
  __device__ static int row(int i) { return index() / depth + i * (tile / side); }
  __device__ static int k(int) { return index() % depth; }
};
struct AlongRows {
  __device__ static int index() { return threadIdx.y * across + threadIdx.x; }
  __device__ static int row(int) { return index() % tile; }
  __device__ static int k(int i) { return index() / tile * side + i; }
};

// sums[i][j] += sum over first <= k < last of left(4y + i, k) right(4x + j, k). left and right are
// asked for 16 steps of k after the other, and give zeros beyond their ends.
template <class A, class Left, class Right>
__device__ inline void multiply(int64_t first, int64_t last, Left& left, Right& right,
                                A (&sums)[side][side]) {
  if (first >= last) return;
  __shared__ __align__(16) A a[depth][padded];
  __shared__ __align__(16) A b[depth][padded];
  A next_a[side], next_b[side];
  left.fetch(first, next_a);
  right.fetch(first, next_b);
  for (int64_t k0 = first; k0 < last; k0 += depth) {
    __syncthreads();  // whoever read the tiles before is done
    for (int i = 0; i < side; ++i) {
      a[Left::Order::k(i)][Left::Order::row(i)] = next_a[i];
      b[Right::Order::k(i)][Right::Order::row(i)] = next_b[i];
    }
    __syncthreads();
    if (k0 + depth < last) {
      left.fetch(k0 + depth, next_a);
      right.fetch(k0 + depth, next_b);
    }
    for (int k = 0; k < depth; ++k) {
      const Four<A> x = *(const Four<A>*)&a[k][threadIdx.y * side];
      const Four<A> y = *(const Four<A>*)&b[k][threadIdx.x * side];
      for (int i = 0; i < side; ++i)
        for (int j = 0; j < side; ++j) sums[i][j] += x.v[i] * y.v[j];
    }
  }
}

// ---- forward, and the input gradient
// -------------------------------------------------------------

// Rows of the im2col matrix, gathered. In NHWC a line of the window, (kw, c), is contiguous in
// memory: so k = (kh, the rest), one division a thread for four numbers, and the pixel of a place
// is worked out once a tile.
template <class T>
struct Windows {
  using Order = AlongK;
  const T* image[side];  // of this place
  int top[side], left[side];
  int H, pitch, line, patch;  // pitch: numbers in a line of the image; line: in one of the window

  __device__ Windows(const Slide& s, const T* images, int64_t first)
      : H(s.H), pitch(s.W * s.C), line(s.width * s.C), patch(s.patch()) {
    for (int i = 0; i < side; ++i) {
      const int64_t place = first + Order::row(i), n = place / (s.rows * s.columns);
      const int within = int(place - n * s.rows * s.columns), row = within / s.columns;
      image[i] = images + n * H * pitch;
      top[i] = n < s.N ? row * s.step_h + s.top : H;  // H: all of the window is outside
      left[i] = ((within - row * s.columns) * s.step_w + s.left) * s.C;
    }
  }
  __device__ void fetch(int64_t k0, acc_t<T>* to) const {
    const int k = int(k0) + Order::k(0), kh = k / line, rest = k - kh * line;
    for (int i = 0; i < side; ++i) {
      const int h = top[i] + kh, at = left[i] + rest;
      const bool inside = k < patch && h >= 0 && h < H && at >= 0 && at < pitch;
      to[i] = inside ? load(image[i][int64_t(h) * pitch + at]) : acc_t<T>(0);
    }
  }
};

// Rows of a matrix (channels, patch).
template <class T>
struct Filters {
  using Order = AlongK;
  const T* weight;
  int first, channels, patch;

  __device__ void fetch(int64_t k0, acc_t<T>* to) const {
    const int k = int(k0) + Order::k(0);
    for (int i = 0; i < side; ++i) {
      const int o = first + Order::row(i);
      to[i] = o < channels && k < patch ? load(weight[int64_t(o) * patch + k]) : acc_t<T>(0);
    }
  }
};

template <class T>
__global__ void implicit_kernel(Slide s, bool relu, const T* __restrict__ images,
                                const T* __restrict__ weight, const T* __restrict__ bias,
                                T* __restrict__ y) {
  const int64_t places = s.places();
  const int channel_tiles = (s.channels + tile - 1) / tile;
  for (int64_t t : grid_blocks((places + tile - 1) / tile * channel_tiles)) {
    const int64_t first = t / channel_tiles * tile;
    const int channel = int(t % channel_tiles) * tile;
    Windows<T> windows(s, images, first);
    Filters<T> filters{weight, channel, s.channels, s.patch()};
    acc_t<T> sums[side][side] = {};
    multiply(0, s.patch(), windows, filters, sums);
    for (int i = 0; i < side; ++i) {
      const int64_t place = first + threadIdx.y * side + i, n = place / (s.rows * s.columns);
      const int within = int(place - n * s.rows * s.columns), row = within / s.columns;
      const int h = row * s.out_step + s.out_top;
      const int v = (within - row * s.columns) * s.out_step + s.out_left;
      if (place >= places || h >= s.out_H || v >= s.out_W) continue;
      T* __restrict__ out = y + ((n * s.out_H + h) * s.out_W + v) * s.channels;
      for (int j = 0; j < side; ++j) {
        const int o = channel + threadIdx.x * side + j;
        if (o >= s.channels) continue;
        acc_t<T> value = sums[i][j] + (bias ? load(bias[o]) : acc_t<T>(0));
        if (s.adds) value += load(out[o]);
        out[o] = store<T>(relu && value <= 0 ? acc_t<T>(0) : value);
      }
    }
  }
}

// ---- the weight gradient
// --------------------------------------------------------------------------

// Columns of dz (places, channels): row o, step `place`.
template <class T>
struct Gradients {
  using Order = AlongRows;
  const T* dz;
  int64_t first, last;  // channel, place
  int64_t channels;

  __device__ void fetch(int64_t place0, acc_t<T>* to) const {
    const int64_t o = first + Order::row(0);
    for (int i = 0; i < side; ++i) {
      const int64_t place = place0 + Order::k(i);
      to[i] = o < channels && place < last ? load(dz[place * channels + o]) : acc_t<T>(0);
    }
  }
};

// Columns of the im2col matrix: a row of the tile is one number of the patch, worked out once a
// tile. k walks over places; a thread takes four neighbours, of which one division finds the first.
template <class T>
struct Patches {
  using Order = AlongRows;
  const T* images;
  int H, OH, OW, pitch, stride, step;  // pitch: numbers in a line of the image; step: in a stride
  int top, left;                       // of this row's number, in the window at the first place
  int64_t n, last;
  int within;  // the thread's next place in image n

  __device__ Patches(const Window& w, const T* images, int64_t row, int64_t first, int64_t last)
      : images(images),
        H(int(w.H)),
        OH(int(w.out_h())),
        OW(int(w.out_w())),
        pitch(int(w.W * w.C)),
        stride(int(w.stride)),
        step(int(w.stride * w.C)),
        last(last) {
    const int line = int(w.kernel * w.C), number = int(row) + Order::row(0), kh = number / line;
    top = kh < w.kernel ? kh - int(w.padding) : H;  // H: outside of every image
    left = number - kh * line - int(w.padding * w.C);
    n = (first + Order::k(0)) / (OH * OW);
    within = int(first + Order::k(0) - n * (OH * OW));
  }
  __device__ void fetch(int64_t place0, acc_t<T>* to) {
    int oh = within / OW, ow = within - oh * OW;
    const T* image = images + n * H * pitch;
    for (int i = 0; i < side; ++i) {
      const int h = oh * stride + top, at = ow * step + left;
      const bool inside = place0 + Order::k(i) < last && h >= 0 && h < H && at >= 0 && at < pitch;
      to[i] = inside ? load(image[int64_t(h) * pitch + at]) : acc_t<T>(0);
      if (++ow < OW) continue;
      ow = 0;
      if (++oh < OH) continue;
      oh = 0;
      image += int64_t(H) * pitch;
    }
    for (within += depth; within >= OH * OW; within -= OH * OW) ++n;
  }
};

// partial[slab, o, j] = the sum over the slab's places of dz[place, o] columns[place, j].
template <class T>
__global__ void implicit_weight_kernel(Conv c, int64_t slabs, const T* __restrict__ x,
                                       const T* __restrict__ dz, acc_t<T>* __restrict__ partial) {
  const int64_t places = c.window.places(), patch = c.window.patch(), Co = c.out_channels;
  const int64_t down = (Co + tile - 1) / tile, right = (patch + tile - 1) / tile;
  for (int64_t t : grid_blocks(slabs * down * right)) {
    const int64_t slab = t / (down * right);
    const int64_t o0 = t / right % down * tile, j0 = t % right * tile;
    const int64_t first = places * slab / slabs, last = places * (slab + 1) / slabs;
    Gradients<T> gradients{dz, o0, last, Co};
    Patches<T> patches(c.window, x, j0, first, last);
    acc_t<T> sums[side][side] = {};
    multiply(first, last, gradients, patches, sums);
    for (int i = 0; i < side; ++i)
      for (int k = 0; k < side; ++k) {
        const int64_t o = o0 + threadIdx.y * side + i, j = j0 + threadIdx.x * side + k;
        if (o < Co && j < patch) partial[(slab * Co + o) * patch + j] = sums[i][k];
      }
  }
}

// The second pass adds up the slabs, in order.
template <class T>
__global__ void add_slabs_kernel(int64_t slabs, int64_t n, bool adds,
                                 const acc_t<T>* __restrict__ partial, T* __restrict__ dweight) {
  for (int64_t i : grid_stride(n)) {
    acc_t<T> total = 0;
    for (int64_t slab = 0; slab < slabs; ++slab) total += partial[slab * n + i];
    dweight[i] = store<T>(adds ? load(dweight[i]) + total : total);
  }
}

}  // namespace MACHINE
using namespace MACHINE;

static Config tiles_of(int64_t tiles, int64_t blocks) {
  return {.grid = blocks ? blocks : tiles, .block = {across, across}};
}

template <class M, class T>
static void slide(M& here, const Slide& s, Activation activation, Span<const T> images,
                  Span<const T> weight, Span<const T> bias, Span<T> y, int64_t blocks) {
  launch(implicit_kernel<T>,
         tiles_of(ceil_div(s.places(), tile) * ceil_div(s.channels, tile), blocks), here, s,
         activation == Activation::relu, images, weight, bias, y);
}

template <class M, class T>
void conv_implicit_forward(M& here, const Conv& c, Activation activation, Span<const T> x,
                           Span<const T> weight, Span<const T> bias, Span<T> y, int64_t blocks) {
  slide(here, forward_slide(c), activation, x, weight, bias, y, blocks);
}

// With stride s only every s-th tap hits a pixel, the same taps for all pixels of a phase: so s x s
// convolutions of dz with stride 1, each with its share of the filters.
template <class M, class T>
void conv_implicit_backward_input(M& here, const Conv& c, bool adds, Span<const T> dz,
                                  Span<const T> weight, Span<T> turned, Span<T> dx,
                                  int64_t blocks) {
  const int stride = int(c.window.stride);
  for (int i = 0; i < stride * stride; ++i) {
    InputGradient g = input_gradient_slide(c, i / stride, i % stride);
    g.slide.adds = adds;
    const Span<T> filters = {turned.data(), g.turn.size()};  // the phase before is done with it
    turn_filters(here, g.turn, weight, filters);
    slide(here, g.slide, Activation::none, dz, Span<const T>(filters), Span<const T>(), dx, blocks);
  }
}

template <class M, class T>
void conv_implicit_backward_weight(M& here, const Conv& c, bool adds, Span<const T> x,
                                   Span<const T> dz, Span<T> dweight, Span<acc_t<T>> partial,
                                   int64_t blocks) {
  const int64_t slabs = conv_weight_slabs(c);
  const int64_t tiles = ceil_div(c.out_channels, tile) * ceil_div(c.window.patch(), tile);
  launch(implicit_weight_kernel<T>, tiles_of(slabs * tiles, blocks), here, c, slabs, x, dz,
         partial);
  launch(add_slabs_kernel<T>, {.grid = ceil_div(dweight.size(), 256)}, here, slabs, dweight.size(),
         adds, Span<const acc_t<T>>(partial), dweight);
}

#define INSTANTIATE(T)                                                                  \
  template void conv_implicit_forward(Here&, const Conv&, Activation, Span<const T>,    \
                                      Span<const T>, Span<const T>, Span<T>, int64_t);  \
  template void conv_implicit_backward_input(Here&, const Conv&, bool, Span<const T>,   \
                                             Span<const T>, Span<T>, Span<T>, int64_t); \
  template void conv_implicit_backward_weight(Here&, const Conv&, bool, Span<const T>,  \
                                              Span<const T>, Span<T>, Span<acc_t<T>>, int64_t);
FOR_FLOATING_TYPES(INSTANTIATE)

}  // namespace tweed
