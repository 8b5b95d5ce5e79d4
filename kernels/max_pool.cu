#include "kernels/machine/kernel.h"
#include "kernels/packs/packs.h"
#include "kernels/pool.h"
#include "kernels/quotient.h"

namespace tweed {
namespace MACHINE {

// Rows of places, channels inside. The cells of a window are unrolled; one that lies outside is
// clamped to the nearest pixel inside, which is in the window too and so cannot change the maximum.
template <int K, class T>
__global__ void max_pool_forward_kernel(Window w, bool relu, const T* __restrict__ x,
                                        T* __restrict__ y, uint8_t* __restrict__ winner) {
  const int64_t OH = w.out_h(), OW = w.out_w(), C = w.C;
  for (int64_t place : grid_rows(w.places())) {
    const int64_t line = place / OW, n = line / OH;
    const int64_t top = (line - n * OH) * w.stride - w.padding;
    const int64_t left = (place - line * OW) * w.stride - w.padding;
    const T* __restrict__ cell[K * K];
    int id[K * K];
#pragma unroll
    for (int k = 0; k < K * K; ++k) {
      const int64_t h = min(max(top + k / K, int64_t(0)), w.H - 1);
      const int64_t v = min(max(left + k % K, int64_t(0)), w.W - 1);
      cell[k] = x + ((n * w.H + h) * w.W + v) * C;
      id[k] = int((h - top) * K + v - left);
    }
    T* __restrict__ out = y + place * C;
    uint8_t* __restrict__ won = winner + place * C;
    for (int64_t c : block_stride(C)) {
      acc_t<T> best = load(cell[0][c]);
      int which = id[0];
#pragma unroll
      for (int k = 1; k < K * K; ++k) {
        const acc_t<T> v = load(cell[k][c]);
        const bool better = (v > best) | (v != v);
        best = better ? v : best;
        which = better ? id[k] : which;
      }
      const bool cut = relu & (best <= 0);
      out[c] = store<T>(cut ? acc_t<T>(0) : best);
      won[c] = cut ? no_tap<uint8_t>(K * K) : uint8_t(which);
    }
  }
}

// `count` windows cover the pixel: their gradients, where it has won.
template <int count, class T>
__device__ inline void gather_won(int64_t C, const int64_t* place, const int* id,
                                  const T* __restrict__ dy, const uint8_t* __restrict__ winner,
                                  T* __restrict__ dx) {
  for (int64_t c : block_stride(C)) {
    acc_t<T> sum = 0;
#pragma unroll
    for (int k = 0; k < count; ++k)
      sum += winner[place[k] * C + c] == id[k] ? load(dy[place[k] * C + c]) : acc_t<T>(0);
    dx[c] = store<T>(sum);
  }
}

// For kernels of at most twice the stride: up to four windows cover a pixel.
template <class T>
__global__ void max_pool_backward_kernel(Window w, const T* __restrict__ dy,
                                         const uint8_t* __restrict__ winner, T* __restrict__ dx) {
  const int64_t OH = w.out_h(), OW = w.out_w(), C = w.C;
  for (int64_t pixel : grid_rows(w.N * w.H * w.W)) {
    const int64_t line = pixel / w.W, n = line / w.H;
    const int64_t h = line - n * w.H, v = pixel - line * w.W;
    const Range rows = w.covering(h, OH), columns = w.covering(v, OW);
    int64_t place[4] = {};
    int id[4] = {}, count = 0;
    for (int64_t oh = rows.first; oh < rows.last; ++oh)
      for (int64_t ow = columns.first; ow < columns.last; ++ow) {
        const int64_t found = (n * OH + oh) * OW + ow;
        const int cell =
            int((h + w.padding - oh * w.stride) * w.kernel + v + w.padding - ow * w.stride);
        // A place that only the running program knows would put the arrays into memory on a GPU.
#pragma unroll
        for (int k = 0; k < 4; ++k) {
          place[k] = k == count ? found : place[k];
          id[k] = k == count ? cell : id[k];
        }
        ++count;
      }
    T* __restrict__ out = dx + pixel * C;
    switch (count) {
      case 0:
        gather_won<0>(C, place, id, dy, winner, out);
        break;
      case 1:
        gather_won<1>(C, place, id, dy, winner, out);
        break;
      case 2:
        gather_won<2>(C, place, id, dy, winner, out);
        break;
      default:
        gather_won<4>(C, place, id, dy, winner, out);
    }
  }
}

// Any windows: each thread keeps its channels of a tile in its own cells of shared memory.
constexpr int64_t max_pool_tile = 256;
template <class T, class I>
__global__ void max_pool_forward_any_kernel(PoolWindows p, bool relu, const T* __restrict__ x,
                                            T* __restrict__ y, I* __restrict__ winner) {
  using A = acc_t<T>;
  A* __restrict__ best = dynamic_shared<A>() + threadIdx.y * max_pool_tile;
  const PoolAxis rows = p.rows, columns = p.columns;
  for (int64_t place : grid_rows(p.places())) {
    const int64_t line = place / columns.out, n = line / rows.out;
    const int64_t oh = line - n * rows.out, ow = place - line * columns.out;
    const Range hs = rows.window(oh), vs = columns.window(ow);
    const bool some = hs.first < hs.last && vs.first < vs.last;
    const int64_t top_left =
        some ? rows.tap(oh, hs.first) * columns.taps() + columns.tap(ow, vs.first) : -1;
    for (int64_t c0 = 0; c0 < p.C; c0 += max_pool_tile) {
      const int64_t width = min(max_pool_tile, p.C - c0);
      I* __restrict__ won = winner + place * p.C + c0;
      T* __restrict__ out = y + place * p.C + c0;
      for (int64_t c : block_stride(width)) {
        best[c] = -A(INFINITY);
        won[c] = I(top_left);
      }
      int64_t of_row = top_left;
      for (int64_t h = hs.first; h < hs.last; h += rows.step(), of_row += columns.taps()) {
        int64_t tap = of_row;
        for (int64_t v = vs.first; v < vs.last; v += columns.step(), ++tap) {
          const T* __restrict__ in = x + ((n * rows.size + h) * columns.size + v) * p.C + c0;
          const I id = I(tap);
          for (int64_t c : block_stride(width)) {
            const A value = load(in[c]);
            const bool better = (value > best[c]) | (value != value);
            best[c] = better ? value : best[c];
            won[c] = better ? id : won[c];
          }
        }
      }
      for (int64_t c : block_stride(width)) {
        const bool cut = relu & (best[c] <= 0);
        out[c] = store<T>(cut ? A(0) : best[c]);
        won[c] = cut ? no_tap<I>(p.taps()) : won[c];
      }
    }
  }
}

template <class T, class I>
__global__ void max_pool_backward_any_kernel(PoolWindows p, const T* __restrict__ dy,
                                             const I* __restrict__ winner, T* __restrict__ dx) {
  using A = acc_t<T>;
  A* __restrict__ sum = dynamic_shared<A>() + threadIdx.y * max_pool_tile;
  const PoolAxis rows = p.rows, columns = p.columns;
  for (int64_t pixel : grid_rows(p.pixels())) {
    const int64_t line = pixel / columns.size, n = line / rows.size;
    const int64_t h = line - n * rows.size, v = pixel - line * columns.size;
    const Range hs = rows.covering(h), vs = columns.covering(v);
    for (int64_t c0 = 0; c0 < p.C; c0 += max_pool_tile) {
      const int64_t width = min(max_pool_tile, p.C - c0);
      for (int64_t c : block_stride(width)) sum[c] = 0;
      for (int64_t oh = hs.first; oh < hs.last; ++oh) {
        const int64_t down = rows.tap(oh, h);
        for (int64_t ow = vs.first; down >= 0 && ow < vs.last; ++ow) {
          const int64_t right = columns.tap(ow, v);
          if (right < 0) continue;
          const int64_t place = (n * rows.out + oh) * columns.out + ow;
          const I id = I(down * columns.taps() + right);
          const T* __restrict__ dy_row = dy + place * p.C + c0;
          const I* __restrict__ won = winner + place * p.C + c0;
          for (int64_t c : block_stride(width)) sum[c] += won[c] == id ? load(dy_row[c]) : A(0);
        }
      }
      T* __restrict__ out = dx + pixel * p.C + c0;
      for (int64_t c : block_stride(width)) out[c] = store<T>(sum[c]);
    }
  }
}

#ifndef TWEED_CPU
#include "kernels/packs/max_pool_packs.h"
#endif

}  // namespace MACHINE
using namespace MACHINE;

static Dim block_for(int64_t channels) { return channels >= 32 ? Dim{32, 8} : Dim{8, 32}; }
static Config any_config(int64_t rows, std::size_t element) {
  const Dim block = {32, 8};
  return {
      .grid = ceil_div(rows, block.y), .block = block, .shared = block.y * max_pool_tile * element};
}

// Square windows of 2 or 3 pixels; false for others.
template <class T>
static bool max_pool_forward_square(Here& here, const Window& w, bool relu, Span<const T> x,
                                    Span<T> y, Span<uint8_t> winner) {
  if (w.kernel != 2 && w.kernel != 3) return false;
#ifndef TWEED_CPU
  if (in_packs<T>(w.C, x.data(), y.data(), winner.data()) && few_packs<T>(w) && y.size()) {
    const PackWindow by_packs(w, int(w.C / Pack<T>::size), w.out_w(), w.out_h());
    const int64_t count = w.places() * by_packs.packs;
    launch(
        w.kernel == 2 ? max_pool_forward_packs_kernel<2, T> : max_pool_forward_packs_kernel<3, T>,
        pack_config(ceil_div(count, pack_threads)), here, by_packs, relu, count, x, y, winner);
    return true;
  }
#endif
  const Dim block = block_for(w.C);
  launch(w.kernel == 2 ? max_pool_forward_kernel<2, T> : max_pool_forward_kernel<3, T>,
         {.grid = ceil_div(w.places(), block.y), .block = block}, here, w, relu, x, y, winner);
  return true;
}

// Square windows of at most twice the stride; false for others.
template <class T>
static bool max_pool_backward_square(Here& here, const Window& w, Span<const T> dy,
                                     Span<const uint8_t> winner, Span<T> dx) {
#ifndef TWEED_CPU
  if (max_pool_backward_packs(here, w, dy, winner, dx)) return true;
#endif
  if (w.kernel > 2 * w.stride) return false;
  const Dim block = block_for(w.C);
  launch(max_pool_backward_kernel<T>, {.grid = ceil_div(w.N * w.H * w.W, block.y), .block = block},
         here, w, dy, winner, dx);
  return true;
}

static bool slides_square(const PoolWindows& p) {
  return !p.rows.is_adaptive() && p.sliding().is_square();
}

template <class M, class T, class I>
void max_pool_forward(M& here, const PoolWindows& p, Activation activation, Span<const T> x,
                      Span<T> y, Span<I> winner) {
  const bool relu = activation == Activation::relu;
  if constexpr (sizeof(I) == 1)
    if (slides_square(p) && max_pool_forward_square(here, p.sliding().square(), relu, x, y, winner))
      return;
  launch(max_pool_forward_any_kernel<T, I>, any_config(p.places(), sizeof(acc_t<T>)), here, p, relu,
         x, y, winner);
}

template <class M, class T, class I>
void max_pool_backward(M& here, const PoolWindows& p, Span<const T> dy, Span<const I> winner,
                       Span<T> dx) {
  if constexpr (sizeof(I) == 1)
    if (slides_square(p) && max_pool_backward_square(here, p.sliding().square(), dy, winner, dx))
      return;
  launch(max_pool_backward_any_kernel<T, I>, any_config(p.pixels(), sizeof(acc_t<T>)), here, p, dy,
         winner, dx);
}

#define INSTANTIATE_FOR(T, I)                                                                   \
  template void max_pool_forward(Here&, const PoolWindows&, Activation, Span<const T>, Span<T>, \
                                 Span<I>);                                                      \
  template void max_pool_backward(Here&, const PoolWindows&, Span<const T>, Span<const I>, Span<T>);
#define INSTANTIATE(T)        \
  INSTANTIATE_FOR(T, uint8_t) \
  INSTANTIATE_FOR(T, int32_t)
FOR_FLOATING_TYPES(INSTANTIATE)

}  // namespace tweed
