// Sums over rows for each channel, shared by the normalisations. For kernel files.
#pragma once
#include "kernels/machine/kernel.h"

namespace tweed {
namespace MACHINE {

// threadIdx.x walks channels, threadIdx.y rows. Every thread adds up in its own cells of shared
// memory; channels are taken a tile at a time, so that any number of them fits.
constexpr int64_t norm_tile = 256;

// The sum of the cells of a channel over the block's rows of threads.
template <class A>
__device__ inline A sum_of_cells(const A* cells, int64_t c) {
  A total = 0;
  for (int64_t r = 0; r < int64_t(blockDim.y); ++r) total += cells[r * norm_tile + c];
  return total;
}

// The last level: sums over slabs give the gradients of shift and scale.
template <class T>
__global__ void sum_of_slabs_kernel(int64_t slabs, int64_t C,
                                    const acc_t<T>* __restrict__ partial,  // (slabs, 2, C)
                                    T* __restrict__ dgamma, T* __restrict__ dbeta) {
  for (int64_t c : grid_stride(C)) {
    acc_t<T> shift = 0, scale = 0;
    for (int64_t slab = 0; slab < slabs; ++slab) {
      shift += partial[slab * 2 * C + c];
      scale += partial[slab * 2 * C + C + c];
    }
    dbeta[c] = store<T>(shift);
    dgamma[c] = store<T>(scale);
  }
}

}  // namespace MACHINE

/// A warp for each of eight rows.
constexpr Dim norm_block = {32, 8};

}  // namespace tweed
