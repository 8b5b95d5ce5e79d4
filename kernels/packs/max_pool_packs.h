// Max pooling for a GPU: a thread takes a pack of channels of one place or pixel, see packs.h. For
// max_pool.cu, inside namespace tweed::MACHINE.

/// A window with the divisors that a thread needs to know where it is.
struct PackWindow {
  int H, W, OH, OW, stride, padding, packs, kernel;
  Quotient of_packs, of_width, of_height, of_stride;  // of the places or pixels that are walked

  PackWindow(const Window& w, int packs, int64_t width, int64_t height)
      : H(int(w.H)),
        W(int(w.W)),
        OH(int(w.out_h())),
        OW(int(w.out_w())),
        stride(int(w.stride)),
        padding(int(w.padding)),
        packs(packs),
        kernel(int(w.kernel)),
        of_packs(packs),
        of_width(int(width)),
        of_height(int(height)),
        of_stride(int(w.stride)) {}
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
    max_pool_forward_packs_kernel(PackWindow w, int64_t count, const T* __restrict__ x,
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
    for (int c = 0; c < size; ++c) won.v[c] = uint8_t(which[c]);
    pack_at(y + i * size) = Pack<T>::of(best);
    *reinterpret_cast<Winners<T>*>(winner + i * size) = won;
  }
}

// For kernels of at most twice the stride: up to two windows cover a pixel along each axis.
template <class T>
__global__ void __launch_bounds__(pack_threads)
    max_pool_backward_packs_kernel(PackWindow w, int64_t count, const T* __restrict__ dy,
                                   const uint8_t* __restrict__ winner, T* __restrict__ dx) {
  using A = acc_t<T>;
  constexpr int size = Pack<T>::size;
#pragma unroll 1
  for (int64_t i : grid_stride(count)) {
    const PackPlace at(w, int(i), w.W, w.H);
    // The last window that begins at or before the pixel, and how far into it the pixel is.
    const int row = w.of_stride.of(at.row + w.padding),
              column = w.of_stride.of(at.column + w.padding);
    const int down = at.row + w.padding - row * w.stride;
    const int right = at.column + w.padding - column * w.stride;
    Pack<T> in[4];
    Winners<T> won[4];
    int id[4];
#pragma unroll
    for (int k = 0; k < 4; ++k) {
      const int oh = row - k / 2, ow = column - k % 2;
      const int h = down + k / 2 * w.stride, v = right + k % 2 * w.stride;
      const bool covers =
          oh >= 0 && oh < w.OH && ow >= 0 && ow < w.OW && h < w.kernel && v < w.kernel;
      id[k] = covers ? h * w.kernel + v : -1;
      if (!covers) continue;
      const int64_t place = int64_t(((at.n * w.OH + oh) * w.OW + ow) * w.packs + at.pack) * size;
      in[k] = pack_at(dy + place);
      won[k] = *reinterpret_cast<const Winners<T>*>(winner + place);
    }
    A sums[size] = {};
#pragma unroll
    for (int k = 3; k >= 0; --k) {  // in the order of the windows, as elsewhere
      if (id[k] < 0) continue;
#pragma unroll
      for (int c = 0; c < size; ++c) sums[c] += won[k].v[c] == id[k] ? in[k][c] : A(0);
    }
    pack_at(dx + i * size) = Pack<T>::of(sums);
  }
}

/// Whether packs can be numbered in 31 bits, as Quotient does.
template <class T>
static bool few_packs(const Window& w) {
  const int64_t packs = w.C / Pack<T>::size;
  return w.N * w.H * w.W * packs < (int64_t(1) << 31) && w.places() * packs < (int64_t(1) << 31) &&
         w.padding < (1 << 20);
}
