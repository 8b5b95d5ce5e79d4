// A block's share of a matrix product on tensor cores: tiles in shared memory, the pipeline that
// fills them, and the warps that multiply them. For kernel files on `cuda` and `sim`.
//
// Four warps compute a tile of rows x columns sums, each warp a part of warp_rows x warp_columns.
// A step of the product takes 64 bytes of k: 32 numbers of bf16, 16 of float, which the tensor
// cores take as TF32. Everything moves in chunks of 16 bytes, the most that a copy can. The ring
// has four stages: while the warps multiply one, three are on their way from global memory.
//
// Shared memory has 32 banks of 4 bytes, and 8 chunks fill them all. Eight lanes work at a time,
// when they copy as when ldmatrix reads: so eight chunks that are wanted together must lie in
// different eighths of a line of 128 bytes. Plain rows of 64 bytes would give ldmatrix, which wants
// the same chunk of eight rows, only two eighths. Exclusive or with the row's number spreads them:
//
//     rows of 64 bytes, k along them        where along_k() puts chunk c of row r
//
//       row 0 | 0 1 2 3   row 1 | 0 1 2 3       0 1 2 3 | 0 1 2 3
//       row 2 | 0 1 2 3   row 3 | 0 1 2 3       1 0 3 2 | 1 0 3 2
//       row 4 | 0 1 2 3   row 5 | 0 1 2 3       2 3 0 1 | 2 3 0 1
//       row 6 | 0 1 2 3   row 7 | 0 1 2 3       3 2 1 0 | 3 2 1 0
#pragma once
#include "kernels/conv/mma_out.h"

namespace tweed {

constexpr int mma_threads = 128, chunk_bytes = 16, step_bytes = 64, step_chunks = 4;
template <class T>
constexpr int chunk_numbers = chunk_bytes / int(sizeof(T));
template <class T>
constexpr int step_numbers = step_bytes / int(sizeof(T));

namespace MACHINE {

template <int rows_, int columns_, int warp_rows_, int warp_columns_>
struct BlockTile {
  static constexpr int rows = rows_, columns = columns_;
  static constexpr int warp_rows = warp_rows_, warp_columns = warp_columns_;
  static constexpr int warps_across = columns / warp_columns;
  static_assert(rows / warp_rows * warps_across * 32 == mma_threads);
  static constexpr int stages = 4;
  static constexpr int left_bytes = rows * step_bytes;
  static constexpr int stage_bytes = (rows + columns) * step_bytes;
  /// At the end each warp has memory of its own in the ring, by which its sums go out: half of them
  /// at a time, where they are floats and many.
  template <class T>
  using Piece = Outlet<T, (sizeof(T) == 4 && warp_rows > 32 ? 32 : warp_rows), warp_columns>;
  static constexpr int own_bytes =
      Piece<float>::bytes > Piece<bf16>::bytes ? Piece<float>::bytes : Piece<bf16>::bytes;
  static constexpr int shared_bytes = stages * stage_bytes;
  static_assert(own_bytes * mma_threads / 32 <= shared_bytes);
  /// Then four stages are not too many for an sm_86 or sm_89 either, which has 99 KB for a block.
  static_assert(shared_bytes <= int(shared_bytes_most));
};

__device__ inline int thread_lane() { return int(threadIdx.x) % 32; }
__device__ inline int thread_warp() { return int(threadIdx.x) / 32; }

// ---- where a chunk lies -------------------------------------------------------------------------

// The byte of a chunk in a tile with k along its rows, as drawn above. The swizzle repeats every
// eight rows.
__device__ inline int along_k(int row, int chunk) {
  return row * step_bytes + ((chunk ^ (row >> 1)) & 3) * chunk_bytes;
}
// The byte of a chunk in a tile that has a row of row_bytes, a multiple of 128, for each k. Chunks
// are swizzled, which is what keeps a warp's reads free of bank conflicts: ldmatrix.trans reads the
// same chunk of eight neighbouring rows at a time, so bf16 has a different order in each of eight
// rows; TF32's loads take two neighbouring chunks of four rows, so it has one for each of four.
template <class T>
__device__ inline int down_k(int k, int chunk, int row_bytes) {
  const int turn = sizeof(T) == 2 ? k & 7 : (k & 3) * 2;
  return k * row_bytes + (chunk ^ turn) * chunk_bytes;
}

// ---- fragments ----------------------------------------------------------------------------------

__device__ inline void multiply_fragments(bf16, float (&sums)[4], const uint32_t (&a)[4],
                                          const uint32_t (&b)[2]) {
  mma_bf16(sums, a, b);
}
__device__ inline void multiply_fragments(float, float (&sums)[4], const uint32_t (&a)[4],
                                          const uint32_t (&b)[2]) {
  mma_tf32(sums, a, b);
}

// What a warp multiplies at a time: 32 bytes of k of its rows and columns. A fragment of the right
// side holds 16 columns, b0 and b1 of the first eight, then of the others.
template <class T, class Tile>
struct Fragments {
  static constexpr int down = Tile::warp_rows / 16, across = Tile::warp_columns / 16;
  uint32_t left[down][4], right[across][4];

  // From tiles with k along their rows: the warp's begin at `row` and `column`, multiples of 16.
  // `half` of the step's 64 bytes.
  __device__ void load_along_k(const char* a, const char* b, int row, int column, int half) {
    const int lane = thread_lane();
#pragma unroll
    for (int i = 0; i < down; ++i)
      ldmatrix(left[i], a + (row + 16 * i) * step_bytes + along_k(lane % 16, 2 * half + lane / 16));
#pragma unroll
    for (int j = 0; j < across; ++j)
      ldmatrix(right[j], b + (column + 16 * j) * step_bytes +
                             along_k(lane / 16 * 8 + lane % 8, 2 * half + lane / 8 % 2));
    round();
  }
  // From tiles with k down their rows: bf16 is transposed on the way, TF32 picked one by one.
  __device__ void load_down_k(const char* a, const char* b, int row, int column, int half) {
#pragma unroll
    for (int i = 0; i < down; ++i) load_down(left[i], a, Tile::rows, row, 16 * i, half, 1, 2);
#pragma unroll
    for (int j = 0; j < across; ++j)
      load_down(right[j], b, Tile::columns, column, 16 * j, half, 2, 1);
    round();
  }
  __device__ void multiply(float (&sums)[down][2 * across][4]) const {
#pragma unroll
    for (int i = 0; i < down; ++i)
#pragma unroll
      for (int j = 0; j < 2 * across; ++j) {
        const uint32_t b[2] = {right[j / 2][j % 2 * 2], right[j / 2][j % 2 * 2 + 1]};
        multiply_fragments(T(), sums[i][j], left[i], b);
      }
  }

 private:
  // Registers i of the 16 columns from first + further on: i / side % 2 is the half of the columns,
  // i / deep % 2 the half of k. `first` is the warp's, a multiple of 32.
  __device__ static void load_down(uint32_t (&to)[4], const char* tile, int columns, int first,
                                   int further, int half, int side, int deep) {
    const int lane = thread_lane(), row_bytes = columns * int(sizeof(T));
    if constexpr (sizeof(T) == 2) {
      const int matrix = lane / 8, chunk = (first + further) / 8 + matrix / side % 2;
      const int k = 16 * half + matrix / deep % 2 * 8 + lane % 8;
      ldmatrix_trans(to, tile + down_k<T>(k, chunk, row_bytes));
    } else {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        // down_k(k, (first + 8 eight + lane / 4) / 4), taken apart so that no more than four values
        // of a lane's own are left: the others are constants in the instruction.
        const int k = 8 * half + i / deep % 2 * 4, eight = further / 8 + i / side % 2;
        const int own = (eight % 4 ^ lane % 4) * 32 + lane % 4 * row_bytes + lane / 4 * 4;
        to[i] = *(const uint32_t*)(tile + first * 4 + own + k * row_bytes + eight / 4 * 128);
      }
    }
  }
  __device__ void round() {
    if constexpr (sizeof(T) == 4) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
#pragma unroll
        for (int j = 0; j < down; ++j) left[j][i] = to_tf32(bits_float(left[j][i]));
#pragma unroll
        for (int j = 0; j < across; ++j) right[j][i] = to_tf32(bits_float(right[j][i]));
      }
    }
  }
};

/// A warp's sums.
template <class Tile>
using WarpSums = float[Tile::warp_rows / 16][Tile::warp_columns / 8][4];

template <class Tile>
__device__ inline int warp_row() {
  return thread_warp() / Tile::warps_across * Tile::warp_rows;
}
template <class Tile>
__device__ inline int warp_column() {
  return thread_warp() % Tile::warps_across * Tile::warp_columns;
}

// ---- the pipeline -------------------------------------------------------------------------------

/// The steps of a product, in order: load(stage) begins to copy the next one into a stage of the
/// ring, multiply(stage) uses it. Afterwards the ring is free.
template <class Tile, class Load, class Multiply>
__device__ inline void pipeline(int steps, Load load, Multiply multiply) {
  char* ring = dynamic_shared<char>();
  auto stage = [&](int step) { return ring + step % Tile::stages * Tile::stage_bytes; };
#pragma unroll
  for (int step = 0; step < Tile::stages - 1; ++step) {
    if (step < steps) load(stage(step));
    cp_async_commit();
  }
  for (int step = 0; step < steps; ++step) {
    cp_async_wait<Tile::stages - 2>();  // mine of this step have arrived
    __syncthreads();                    // everybody's have, and all are done with the step before
    const int next = step + Tile::stages - 1;
    if (next < steps) load(stage(next));
    cp_async_commit();  // nothing, maybe: the count of groups stays the count of steps
    multiply(stage(step));
  }
  cp_async_wait<0>();
  __syncthreads();
}

/// The memory of a warp's own in the ring, once that is free.
template <class Tile>
__device__ inline char* own_memory() {
  int warp = thread_warp();
  pin(warp);  // as lane_out()
  return dynamic_shared<char>() + warp * Tile::own_bytes;
}

}  // namespace MACHINE
}  // namespace tweed
