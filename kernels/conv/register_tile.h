// The innermost loop of a matrix product on `cpu`: a tile of sums that stays in registers.
//
//                     b[step.b ...]: up to 4 vectors of 16
//                 +--------+--------+--------+--------+
//                 |   b0   |   b1   |   b2   |   b3   |      one step of k: 4 loads,
//                 +--------+--------+--------+--------+      6 broadcasts, 24 multiply-adds
//    a[0][step.a] |        |        |        |        |
//    a[1][step.a] |   each of the 24 cells is one     |
//        ...      |   register of 16 sums (AVX-512)   |      24 + 4 + 1 of the 32 registers
//    a[5][step.a] |        |        |        |        |
//                 +--------+--------+--------+--------+
//
// Nothing says how a and b lie in memory: each step of k has a table entry with both offsets, and
// each row of a has a pointer of its own. So the same loop walks over packed panels, over the
// pixels of an image under a window, or over pixels one after another, and no patch is ever copied
// into a row. The table costs a load of 8 bytes for 24 vector operations.
#pragma once
#include <cstdint>

namespace tweed {

/// Where the next numbers of a and b lie, in elements from their pointers.
struct TileStep {
  int32_t a, b;
};

constexpr int tile_rows = 6, few_rows = 3;

/// c[r][0 .. columns) (+)= sum over k of a[r][steps[k].a] * b[steps[k].b ...], in the order of k.
/// With `accumulate`, c is added at the end: sums of parts round less than one long sum.
template <class T>
struct Tile {
  int rows;     ///< 1 .. tile_rows
  int vectors;  ///< columns = vectors * lanes, at most TileKernel::vectors or vectors_of_few
  int64_t k;
  const TileStep* steps;
  const T* a[tile_rows];
  const T* b;
  T* c[tile_rows];
  const T* start;  ///< what the sums begin with, for all rows: a bias; null for 0
  bool accumulate;
  bool relu;  ///< at the end; NaN stays NaN
  /// Memory to fetch into the second cache on the way, 64 bytes a step; null for none.
  const char* ahead = nullptr;
};

/// The tile as one instruction set computes it. All add in the same order; without fused
/// multiply-adds (`baseline`) each product is rounded once more.
template <class T>
struct TileKernel {
  int lanes;    ///< numbers in a vector
  int vectors;  ///< in a row of the widest tile
  /// The same for tiles of at most few_rows rows, whose sums leave registers free.
  int vectors_of_few;
  void (*run)(const Tile<T>&);
  int columns() const { return lanes * vectors; }
};

/// Instruction sets that the tile is compiled for.
enum class SimdLevel : uint8_t { baseline, avx2, avx512 };
/// "baseline", "avx2" or "avx512"
const char* name_of(SimdLevel level);
/// False if this processor lacks it.
bool has_simd(SimdLevel level);
/// What tiles use from now on, for the whole process. At first it is the one that TWEED_SIMD names
/// in the environment, else the best that the processor has. @throws Error  if it has not
void set_simd_level(SimdLevel level);
SimdLevel simd_level();

/// That of simd_level(); T is float or double.
template <class T>
const TileKernel<T>& tile_kernel();

}  // namespace tweed
