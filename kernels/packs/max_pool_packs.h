// Max pooling for a GPU: a thread takes a pack of channels, see packs.h. For max_pool.cu, inside
// namespace tweed::MACHINE.

/// A window with the divisors that a thread needs to know where it is.
struct PackWindow {
  int H, W, OH, OW, stride, padding, packs;
  Quotient of_packs, of_width, of_height;  // of the places that are walked

  PackWindow(const Window& w, int packs, int64_t width, int64_t height)
      : H(int(w.H)),
        W(int(w.W)),
        OH(int(w.out_h())),
        OW(int(w.out_w())),
        stride(int(w.stride)),
        padding(int(w.padding)),
        packs(packs),
        of_packs(packs),
        of_width(int(width)),
        of_height(int(height)) {}
};
/// Where the i-th pack lies.
struct PackPlace {
  int pack, n, row, column;
  TWEED_INLINE PackPlace(const PackWindow& w, int i, int width, int height) {
    const int place = w.of_packs.of(i), line = w.of_width.of(place);
    pack = i - place * w.packs;
    n = w.of_height.of(line);
    row = line - n * height;
    column = place - line * width;
  }
};

/// The numbers of the winners of a pack.
template <class T>
struct alignas(Pack<T>::size) Winners {
  uint8_t v[Pack<T>::size];
};

// Cells outside are clamped to the nearest pixel inside, as in max_pool_forward_kernel.
template <int K, class T>
__global__ void __launch_bounds__(pack_threads)
    max_pool_forward_packs_kernel(PackWindow w, bool relu, int64_t count, const T* __restrict__ x,
                                  T* __restrict__ y, uint8_t* __restrict__ winner) {
  using A = acc_t<T>;
  constexpr int size = Pack<T>::size;
#pragma unroll 1
  for (int64_t i : grid_stride(count)) {
    const PackPlace at(w, int(i), w.OW, w.OH);
    const int top = at.row * w.stride - w.padding, left = at.column * w.stride - w.padding;
    Pack<T> in[K * K];
    int id[K * K];
#pragma unroll
    for (int k = 0; k < K * K; ++k) {
      const int h = min(max(top + k / K, 0), w.H - 1), v = min(max(left + k % K, 0), w.W - 1);
      in[k] = pack_at(x + int64_t(((at.n * w.H + h) * w.W + v) * w.packs + at.pack) * size);
      id[k] = (h - top) * K + v - left;
    }
    A best[size];
    int which[size];
#pragma unroll
    for (int c = 0; c < size; ++c) best[c] = in[0][c], which[c] = id[0];
#pragma unroll
    for (int k = 1; k < K * K; ++k)
#pragma unroll
      for (int c = 0; c < size; ++c) {
        const A v = in[k][c];
        const bool better = (v > best[c]) | (v != v);
        best[c] = better ? v : best[c];
        which[c] = better ? id[k] : which[c];
      }
    Winners<T> won;
#pragma unroll
    for (int c = 0; c < size; ++c) {
      const bool cut = relu & (best[c] <= 0);
      best[c] = cut ? A(0) : best[c];
      won.v[c] = cut ? no_tap<uint8_t>(K * K) : uint8_t(which[c]);
    }
    pack_at(y + i * size) = Pack<T>::of(best);
    *reinterpret_cast<Winners<T>*>(winner + i * size) = won;
  }
}

#include "kernels/packs/won.h"

// The gradient goes by cells of stride x stride pixels: the same windows cover all of them, so a
// thread reads each window once and asks for every pixel who has won it. `tall` cells of a column
// are one thread's, which share windows too.
constexpr int max_pool_tall = 2;

template <int kernel, int stride, class T>
__global__ void __launch_bounds__(pack_threads, 2)
    max_pool_backward_packs_kernel(PackWindow w, int columns, int lines, int64_t count,
                                   const T* __restrict__ dy, const uint8_t* __restrict__ winner,
                                   T* __restrict__ dx) {
  constexpr int size = Pack<T>::size, reach = (kernel + stride - 1) / stride;
  constexpr int high = max_pool_tall + reach - 1;  // rows of windows
#pragma unroll 1
  for (int64_t i : grid_stride(count)) {
    const PackPlace at(w, int(i), columns, lines);
    const int row = at.row * max_pool_tall;
    WonPack<T> windows[high][reach];
#pragma unroll
    for (int k = 0; k < high * reach; ++k) {
      const int oh = row + k / reach - (reach - 1), ow = at.column + k % reach - (reach - 1);
      if (oh < 0 || oh >= w.OH || ow < 0 || ow >= w.OW) continue;
      const int64_t place = int64_t(((at.n * w.OH + oh) * w.OW + ow) * w.packs + at.pack) * size;
      windows[k / reach][k % reach] = WonPack<T>(dy + place, winner + place);
    }
#pragma unroll
    for (int k = 0; k < max_pool_tall * stride * stride; ++k) {
      const int cell = k / (stride * stride), down = k / stride % stride, right = k % stride;
      const int h = (row + cell) * stride + down - w.padding;
      const int v = at.column * stride + right - w.padding;
      if (h < 0 || h >= w.H || v < 0 || v >= w.W) continue;
      WonSum<T> sum;
#pragma unroll
      for (int o = 0; o < reach * reach; ++o) {  // windows in order, as elsewhere
        const int kh = down + (reach - 1 - o / reach) * stride;
        const int kw = right + (reach - 1 - o % reach) * stride;
        if (kh < kernel && kw < kernel)
          sum.add(windows[cell + o / reach][o % reach], kh * kernel + kw);
      }
      const int64_t pixel = int64_t(((at.n * w.H + h) * w.W + v) * w.packs + at.pack) * size;
      pack_at(dx + pixel) = sum.pack();
    }
  }
}

/// Whether packs can be numbered in 31 bits, as Quotient does.
template <class T>
static bool few_packs(const Window& w) {
  const int64_t packs = w.C / Pack<T>::size;
  return w.N * w.H * w.W * packs < (int64_t(1) << 31) && w.places() * packs < (int64_t(1) << 31) &&
         w.padding < (1 << 20);
}

// The launch; false where rows are no whole packs, or the kernel's size is an unusual one.
template <class T>
static bool max_pool_backward_packs(Here& here, const Window& w, Span<const T> dy,
                                    Span<const uint8_t> winner, Span<T> dx) {
  if (!in_packs<T>(w.C, dy.data(), dx.data(), winner.data()) || !few_packs<T>(w) || !dx.size())
    return false;
  const auto kernel = w.stride == 2 && w.kernel == 2   ? max_pool_backward_packs_kernel<2, 2, T>
                      : w.stride == 2 && w.kernel == 3 ? max_pool_backward_packs_kernel<3, 2, T>
                      : w.stride == 3 && w.kernel == 3 ? max_pool_backward_packs_kernel<3, 3, T>
                                                       : nullptr;
  if (!kernel) return false;
  const int64_t columns = ceil_div(w.W + w.padding, w.stride);
  const int64_t lines = ceil_div(ceil_div(w.H + w.padding, w.stride), int64_t(max_pool_tall));
  const PackWindow by_packs(w, int(w.C / Pack<T>::size), columns, lines);
  const int64_t count = w.N * lines * columns * by_packs.packs;
  launch(kernel, pack_config(ceil_div(count, pack_threads)), here, by_packs, int(columns),
         int(lines), count, dy, winner, dx);
  return true;
}
