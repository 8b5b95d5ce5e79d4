// Normalisation of rows of C channels, where each channel has a mean and a rstd for the whole batch
// (batch norm) or for each sample (group norm). For kernel files, which include it inside namespace
// tweed::MACHINE.
//
// Rows are `pixels` for each sample, which is all of them for batch norm; slabs do not cross from
// one sample to the next: they are a whole number for each, as long as one another.

#include "kernels/norm_cells.h"

// Where slabs begin that cut rows evenly: rows * slab / slabs, by a division of 32 bits, since a
// GPU takes a hundred instructions for one of 64. Slabs are at most 4,096.
struct EvenCut {
  int64_t each;
  uint32_t rest, slabs;
  __device__ EvenCut(int64_t rows, int64_t slabs)
      : each(rows / slabs), rest(uint32_t(rows - each * slabs)), slabs(uint32_t(slabs)) {}
  __device__ int64_t begin(int64_t slab) const {
    return slab * each + rest * uint32_t(slab) / slabs;
  }
  __device__ int64_t rows(int64_t slab) const { return begin(slab + 1) - begin(slab); }
};

// Level 1: mean and sum of squared deviations of each slab of rows. The first pass finds about the
// mean, the second sums around that and so knows by how much it was off: exact enough however far
// from zero the values are. Source: Chan, Golub, LeVeque 1983, the corrected two-pass algorithm.
template <class T>
__global__ void channel_moments_kernel(int64_t rows, int64_t C, int64_t slabs,
                                       const T* __restrict__ x, acc_t<T>* __restrict__ partial) {
  using A = acc_t<T>;
  A* const centre = dynamic_shared<A>();
  A* const cells = centre + norm_tile;
  A* const more_cells = cells + blockDim.y * norm_tile;
  A* __restrict__ sum = cells + threadIdx.y * norm_tile;
  A* __restrict__ squares = more_cells + threadIdx.y * norm_tile;
  for (int64_t slab : grid_blocks(slabs)) {
    const int64_t first = rows * slab / slabs, last = rows * (slab + 1) / slabs;
    const A n = A(last - first);
    for (int64_t c0 = 0; c0 < C; c0 += norm_tile) {
      const int64_t width = min(norm_tile, C - c0);
      for (int64_t c : block_stride(width)) sum[c] = 0;
      for (int64_t row = first + threadIdx.y; row < last; row += blockDim.y) {
        const T* __restrict__ in = x + row * C + c0;
        for (int64_t c : block_stride(width)) sum[c] += load(in[c]);
      }
      __syncthreads();
      if (threadIdx.y == 0)
        for (int64_t c : block_stride(width)) centre[c] = sum_of_cells(cells, c) / n;
      __syncthreads();
      for (int64_t c : block_stride(width)) sum[c] = squares[c] = 0;
      for (int64_t row = first + threadIdx.y; row < last; row += blockDim.y) {
        const T* __restrict__ in = x + row * C + c0;
        const A* __restrict__ about = centre;
        for (int64_t c : block_stride(width)) {
          const A d = load(in[c]) - about[c];
          sum[c] += d;
          squares[c] += d * d;
        }
      }
      __syncthreads();
      if (threadIdx.y == 0)
        for (int64_t c : block_stride(width)) {
          const A off = sum_of_cells(cells, c) / n;
          partial[slab * 2 * C + c0 + c] = centre[c] + off;
          partial[slab * 2 * C + C + c0 + c] = sum_of_cells(more_cells, c) - n * off * off;
        }
      __syncthreads();
    }
  }
}

template <bool relu, class T>
__global__ void channel_norm_forward_kernel(int64_t rows, int64_t pixels, int64_t C,
                                            const T* __restrict__ x, const T* __restrict__ gamma,
                                            const T* __restrict__ beta,
                                            const acc_t<T>* __restrict__ mean,
                                            const acc_t<T>* __restrict__ rstd, T* __restrict__ y) {
  for (int64_t row : grid_rows(rows)) {
    const T* __restrict__ in = x + row * C;
    T* __restrict__ out = y + row * C;
    const acc_t<T>* __restrict__ m = mean + row / pixels * C;
    const acc_t<T>* __restrict__ r = rstd + row / pixels * C;
    for (int64_t c : block_stride(C)) {
      const acc_t<T> v = (load(in[c]) - m[c]) * (r[c] * load(gamma[c])) + load(beta[c]);
      out[c] = store<T>(relu && v <= 0 ? acc_t<T>(0) : v);
    }
  }
}

// Backward pass, level 1: sums of dz and of dz * (x - mean), where dz has gone back through relu.
template <bool relu, class T>
__global__ void channel_sums_kernel(int64_t rows, int64_t pixels, int64_t C, int64_t slabs,
                                    const T* __restrict__ x, const acc_t<T>* __restrict__ mean,
                                    const T* __restrict__ y, const T* __restrict__ dy,
                                    acc_t<T>* __restrict__ partial) {
  using A = acc_t<T>;
  A* const cells = dynamic_shared<A>();
  A* const more_cells = cells + blockDim.y * norm_tile;
  A* __restrict__ sum = cells + threadIdx.y * norm_tile;
  A* __restrict__ product = more_cells + threadIdx.y * norm_tile;
  for (int64_t slab : grid_blocks(slabs)) {
    const int64_t first = rows * slab / slabs, last = rows * (slab + 1) / slabs;
    for (int64_t c0 = 0; c0 < C; c0 += norm_tile) {
      const int64_t width = min(norm_tile, C - c0);
      const A* __restrict__ centre = mean + first / pixels * C + c0;
      for (int64_t c : block_stride(width)) sum[c] = product[c] = 0;
      for (int64_t row = first + threadIdx.y; row < last; row += blockDim.y) {
        const T* __restrict__ x_row = x + row * C + c0;
        const T* __restrict__ y_row = relu ? y + row * C + c0 : nullptr;
        const T* __restrict__ dy_row = dy + row * C + c0;
        for (int64_t c : block_stride(width)) {
          A dz = load(dy_row[c]);
          if constexpr (relu) dz = load(y_row[c]) <= 0 ? A(0) : dz;
          sum[c] += dz;
          product[c] += dz * (load(x_row[c]) - centre[c]);
        }
      }
      __syncthreads();
      if (threadIdx.y == 0)
        for (int64_t c : block_stride(width)) {
          partial[slab * 2 * C + c0 + c] = sum_of_cells(cells, c);
          partial[slab * 2 * C + C + c0 + c] = sum_of_cells(more_cells, c);
        }
      __syncthreads();
    }
  }
}

// dx = rstd (dz gamma - (a + (x - mean) b)), where a and b stand in `slopes` (samples, 2, C): the
// parts by which mean and rstd depend on x in training.
template <bool relu, bool training, class T>
__global__ void channel_norm_backward_kernel(
    int64_t rows, int64_t pixels, int64_t C, const T* __restrict__ x, const T* __restrict__ gamma,
    const acc_t<T>* __restrict__ mean, const acc_t<T>* __restrict__ rstd, const T* __restrict__ y,
    const T* __restrict__ dy, const acc_t<T>* __restrict__ slopes, T* __restrict__ dx) {
  using A = acc_t<T>;
  for (int64_t row : grid_rows(rows)) {
    const T* __restrict__ x_row = x + row * C;
    const T* __restrict__ y_row = relu ? y + row * C : nullptr;
    const T* __restrict__ dy_row = dy + row * C;
    T* __restrict__ out = dx + row * C;
    const int64_t sample = row / pixels;
    const A* __restrict__ m = mean + sample * C;
    const A* __restrict__ r = rstd + sample * C;
    const A* __restrict__ a = slopes + sample * 2 * C;
    const A* __restrict__ b = a + C;
    for (int64_t c : block_stride(C)) {
      A dz = load(dy_row[c]);
      if constexpr (relu) dz = load(y_row[c]) <= 0 ? A(0) : dz;
      A g = dz * load(gamma[c]);
      if constexpr (training) g -= a[c] + (load(x_row[c]) - m[c]) * b[c];
      out[c] = store<T>(g * r[c]);
    }
  }
}

#ifndef TWEED_CPU
#include "kernels/packs/channel_norm_packs.h"
#endif

// ---- launches: in packs where a GPU can ---------------------------------------------------------

#ifndef TWEED_CPU
// Of a pass over single elements: as many blocks, of whole rows, as give each thread eight.
template <class T>
static int64_t norm_pieces(int64_t rows, int64_t pixels, int64_t C) {
  return rows / pixels * ceil_div(pixels, pack_rows<T>(C, 8));
}
#endif

template <class T>
static void channel_moments(Here& here, int64_t rows, int64_t C, int64_t slabs, Span<const T> x,
                            Span<acc_t<T>> partial) {
#ifndef TWEED_CPU
  if (in_packs<T>(C, x.data(), partial.data()))
    return launch(channel_moments_packs_kernel<T>, pack_config(slabs), here, rows, C, slabs, x,
                  partial);
#endif
  launch(channel_moments_kernel<T>, norm_slabs_config<acc_t<T>>(slabs, 2 * norm_block.y + 1), here,
         rows, C, slabs, x, partial);
}

template <bool relu, class T>
static void channel_norm_forward(Here& here, int64_t rows, int64_t pixels, int64_t C,
                                 Span<const T> x, Span<const T> gamma, Span<const T> beta,
                                 Span<const acc_t<T>> mean, Span<const acc_t<T>> rstd, Span<T> y) {
#ifndef TWEED_CPU
  if (in_packs<T>(C, x.data(), gamma.data(), beta.data(), y.data()) &&
      in_packs<T>(C, mean.data(), rstd.data())) {
    const int64_t pieces = norm_pieces<T>(rows, pixels, C);
    return launch(channel_norm_forward_packs_kernel<relu, T>, pack_config(pieces), here, rows,
                  pixels, C, pieces, x, gamma, beta, mean, rstd, y);
  }
#endif
  launch(channel_norm_forward_kernel<relu, T>, norm_rows_config(rows), here, rows, pixels, C, x,
         gamma, beta, mean, rstd, y);
}

template <bool relu, class T>
static void channel_sums(Here& here, int64_t rows, int64_t pixels, int64_t C, int64_t slabs,
                         Span<const T> x, Span<const acc_t<T>> mean, Span<const T> y,
                         Span<const T> dy, Span<acc_t<T>> partial) {
#ifndef TWEED_CPU
  if (in_packs<T>(C, x.data(), y.data(), dy.data()) && in_packs<T>(C, mean.data(), partial.data()))
    return launch(channel_sums_packs_kernel<relu, T>, pack_config(slabs), here, rows, pixels, C,
                  slabs, x, mean, y, dy, partial);
#endif
  launch(channel_sums_kernel<relu, T>, norm_slabs_config<acc_t<T>>(slabs, 2 * norm_block.y), here,
         rows, pixels, C, slabs, x, mean, y, dy, partial);
}

template <bool relu, bool training, class T>
static void channel_norm_backward(Here& here, int64_t rows, int64_t pixels, int64_t C,
                                  Span<const T> x, Span<const T> gamma, Span<const acc_t<T>> mean,
                                  Span<const acc_t<T>> rstd, Span<const T> y, Span<const T> dy,
                                  Span<const acc_t<T>> slopes, Span<T> dx) {
#ifndef TWEED_CPU
  if (in_packs<T>(C, x.data(), gamma.data(), y.data(), dy.data(), dx.data()) &&
      in_packs<T>(C, mean.data(), rstd.data(), slopes.data())) {
    const int64_t pieces = norm_pieces<T>(rows, pixels, C);
    return launch(channel_norm_backward_packs_kernel<relu, training, T>, pack_config(pieces), here,
                  rows, pixels, C, pieces, x, gamma, mean, rstd, y, dy, slopes, dx);
  }
#endif
  launch(channel_norm_backward_kernel<relu, training, T>, norm_rows_config(rows), here, rows,
         pixels, C, x, gamma, mean, rstd, y, dy, slopes, dx);
}
