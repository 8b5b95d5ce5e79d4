// The sums of tensor cores on their way out: bias, activation and rounding in registers, then
// through shared memory to chunks of 16 bytes. For kernel files on `cuda` and `sim`.
//
// mma.sync and wgmma leave a warp's sums alike. With g = lane / 4 and t = lane % 4, a lane has of
// every eighth row and of every eight columns two neighbours:
//
//     sums[i][j][0..1]   row 16 i + g,      columns 8 j + 2 t and the next
//     sums[i][j][2..3]   row 16 i + 8 + g,  the same columns
//
// Stored from there, each instruction would write 4 bytes a lane, of eight rows. So a warp puts
// them into memory of its own, for which it waits for nobody else, and takes whole chunks from it.
#pragma once
#include "kernels/machine/tensor_cores.h"
#include "kernels/packs/packs.h"

namespace tweed {

namespace MACHINE {

/// The lane, on the way out: pinned, for nvcc would work out before the main loop what follows from
/// it, and keep registers for that which the loop needs.
__device__ inline int lane_out() {
  int lane = int(threadIdx.x) % 32;
  pin(lane);
  return lane;
}

/// Two neighbours of a row, rounded to T.
template <class T>
struct Pair;
template <>
struct Pair<bf16> {
  uint32_t bits;
  /// With `relu`, 0 for what is negative; NaN stays NaN.
  template <bool relu>
  __device__ static Pair of(float a, float b) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
    if constexpr (relu) {
      Pair p;
      asm("cvt.rn.relu.bf16x2.f32 %0, %1, %2;" : "=r"(p.bits) : "f"(b), "f"(a));
      return p;
    }
#endif
    return relu ? Pair{rounded_pair(a <= 0 ? 0.0f : a, b <= 0 ? 0.0f : b)}
                : Pair{rounded_pair(a, b)};
  }
  __device__ float first() const { return bits_float(bits << 16); }
  __device__ float second() const { return bits_float(bits & 0xffff0000u); }
};
template <>
struct alignas(8) Pair<float> {
  float a, b;
  template <bool relu>
  __device__ static Pair of(float a, float b) {
    return relu ? Pair{a <= 0 ? 0.0f : a, b <= 0 ? 0.0f : b} : Pair{a, b};
  }
  __device__ float first() const { return a; }
  __device__ float second() const { return b; }
};

/// Adds each column's bias to sums[..][begin] and as many more as `group`; sums[..][0] begins at
/// column `first` of `channels`.
template <int group, class T, int down, int across>
__device__ inline void add_bias(const T* __restrict__ bias, int first, int channels, int begin,
                                float (&sums)[down][across][4]) {
  const int pair = lane_out() % 4 * 2;
#pragma unroll
  for (int j = begin; j < begin + group; ++j)
#pragma unroll
    for (int e = 0; e < 2; ++e) {
      const int channel = first + 8 * j + pair + e;
      const float b = channel < channels ? load(bias[channel]) : 0.0f;
#pragma unroll
      for (int i = 0; i < down; ++i) {
        sums[i][j][e] += b;
        sums[i][j][2 + e] += b;
      }
    }
}
/// Pair i, j is of row 8 i + g and columns 8 (begin + j) + 2 t.
template <bool relu, class T, int down, int across, int group>
__device__ inline void round_sums(const float (&sums)[down][across][4], int begin,
                                  Pair<T> (&pairs)[2 * down][group]) {
#pragma unroll
  for (int i = 0; i < 2 * down; ++i)
#pragma unroll
    for (int j = 0; j < group; ++j)
      pairs[i][j] = Pair<T>::template of<relu>(sums[i / 2][begin + j][i % 2 * 2],
                                               sums[i / 2][begin + j][i % 2 * 2 + 1]);
}

/// rows x columns numbers of a warp in shared memory of its own. Eight numbers beyond each row keep
/// rows that are written or read at the same time in different banks.
template <class T, int rows_, int columns_>
struct Outlet {
  static constexpr int rows = rows_, columns = columns_, pitch = columns + 8;
  static constexpr int bytes = rows * pitch * int(sizeof(T));
  static constexpr int chunk = Pack<T>::size, chunks = columns / chunk, rows_at_once = 32 / chunks;
  static_assert(rows % rows_at_once == 0);
  T* own;

  /// Takes pair(i, j) of all lanes.
  template <class F>
  __device__ void take(F pair) const {
    const int lane = lane_out();
    T* const to = own + lane / 4 * pitch + lane % 4 * 2;
#pragma unroll
    for (int i = 0; i < rows / 8; ++i)
#pragma unroll
      for (int j = 0; j < columns / 8; ++j)
        *reinterpret_cast<Pair<T>*>(to + 8 * i * pitch + 8 * j) = pair(i, j);
    __syncwarp();
  }
  /// What lies there for pair(i, j).
  __device__ Pair<T> pair(int i, int j) const {
    const int lane = int(threadIdx.x) % 32;
    return *reinterpret_cast<const Pair<T>*>(own + (lane / 4 + 8 * i) * pitch + lane % 4 * 2 +
                                             8 * j);
  }
  /// Stores what exists in a matrix whose rows are `apart` numbers from each other: put(at, pack)
  /// for chunks of 16 bytes, where rows are a number of these.
  template <class Put>
  __device__ void give_rows(T* to, int apart, int rows_left, int columns_left, Put put) const {
    const int lane = lane_out();
    if (apart % chunk) {
      for (int i = lane; i < rows * columns; i += 32)
        if (i / columns < rows_left && i % columns < columns_left)
          to[int64_t(i / columns) * apart + i % columns] = own[i / columns * pitch + i % columns];
      return;
    }
    const int row = lane / chunks, column = lane % chunks * chunk;
    const int left = column < columns_left ? rows_left - row : 0;
    const T* const from = own + row * pitch + column;
    T* next = to + int64_t(row) * apart + column;
#pragma unroll
    for (int k = 0; k < rows; k += rows_at_once, next += int64_t(rows_at_once) * apart)
      if (k < left) put(next, pack_at(from + k * pitch));
  }
  __device__ void give_rows(T* to, int apart, int rows_left, int columns_left) const {
    give_rows(to, apart, rows_left, columns_left,
              [](T* at, const Pack<T>& pack) { pack_at(at) = pack; });
  }
  /// Calls store(row, column, values) for each chunk that exists, in part at least; it may change
  /// the values.
  template <class F>
  __device__ void give_chunks(int rows_left, int columns_left, F store) const {
    const int lane = lane_out(), column = lane % chunks * chunk;
    const int last = rows_left < rows ? rows_left : rows;
    if (column < columns_left)
#pragma unroll 1
      for (int row = lane / chunks; row < last; row += rows_at_once)
        store(row, column, pack_at(own + row * pitch + column));
  }
};

/// Takes a warp's pairs out piece by piece: give(outlet, row, column) for each, which begins there.
template <int rows, int columns, class Piece, class F, class Give>
__device__ inline void pass_out(Piece piece, F pair, Give give) {
#pragma unroll
  for (int row = 0; row < rows; row += Piece::rows)
#pragma unroll
    for (int column = 0; column < columns; column += Piece::columns) {
      piece.take([&](int i, int j) { return pair(row / 8 + i, column / 8 + j); });
      give(piece, row, column);
      __syncwarp();  // before the memory is taken again
    }
}

/// A warp's sums as they are, into a matrix (rows, columns): from `row` and `column` on.
template <class Tile, int down, int across>
__device__ inline void write_part(const float (&sums)[down][across][4], char* own,
                                  float* __restrict__ matrix, int rows, int columns, int row,
                                  int column) {
  float* const part = matrix + int64_t(row) * columns + column;
  pass_out<Tile::warp_rows, Tile::warp_columns>(
      typename Tile::template Piece<float>{reinterpret_cast<float*>(own)},
      [&](int i, int j) {
        return Pair<float>{sums[i / 2][j][i % 2 * 2], sums[i / 2][j][i % 2 * 2 + 1]};
      },
      [&](const auto& out, int down_to, int across_to) {
        out.give_rows(part + int64_t(down_to) * columns + across_to, columns, rows - row - down_to,
                      columns - column - across_to);
      });
}

}  // namespace MACHINE
}  // namespace tweed
