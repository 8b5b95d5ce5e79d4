// How a product on tensor cores is cut. The rules are reasoned, for an H200, whose
// 132 multiprocessors hold two blocks of the largest tile each; what came of them was measured on
// one (docs/results/h200.md).
#include <string>

#include "kernels/conv/mma.h"

namespace tweed {
namespace {

constexpr int64_t multiprocessors = 132, at_once = 2 * multiprocessors;

int64_t tiles_of(MmaTile tile, int64_t rows, int64_t columns) {
  return ceil_div(rows, tile.rows) * ceil_div(columns, tile.columns);
}
// Slices that fill the GPU once, each of at least `least` steps.
int64_t slices_for(int64_t tiles, int64_t steps, int64_t least) {
  if (tiles == 0 || tiles >= multiprocessors) return 1;
  const int64_t wanted = at_once / tiles, most = steps / least;
  return most < 1 ? 1 : wanted < most ? wanted : most;
}

}  // namespace

void check_mma_size(const Slide& s, int64_t element_bytes) {
  const int64_t chunks = s.N * s.H * s.W * s.C * element_bytes / 16, most = int64_t(1) << 31;
  if (s.places() >= most || chunks >= most)
    throw ShapeError("[conv2d] 'mma' counts in 31 bits: " + std::to_string(s.places()) +
                     " places, " + std::to_string(chunks) +
                     " pieces of 16 bytes; use a smaller batch");
}

MmaPlan mma_plan(const Slide& s, int64_t element_bytes) {
  const auto [large, tall, small, narrow, thin] = mma_tiles;
  const int64_t places = s.places(), results = s.results();
  const int64_t steps = ceil_div(s.patch() * element_bytes, 64);
  MmaTile tile = results <= 16 ? thin : results <= 32 ? narrow : results <= 64 ? tall : large;
  // A quarter of the GPU or less: smaller tiles reach more of it than slices do, and cost no pass.
  if (results > 32 && tiles_of(tile, places, results) <= multiprocessors / 4) tile = small;
  // A slice costs a write and a read of the sums: worth it from 16 steps on.
  return {tile, slices_for(tiles_of(tile, places, results), steps, 16)};
}

MmaPlan mma_weight_plan(const Slide& s, int64_t padded_Co, int64_t element_bytes) {
  const auto [large, flat, small] = mma_weight_tiles;
  const int64_t patch = s.patch(), steps = ceil_div(s.places() * element_bytes, 64);
  const MmaTile tile = patch <= 64 ? small : padded_Co <= 64 ? flat : large;
  return {tile, slices_for(tiles_of(tile, padded_Co, patch), steps, 8)};
}

}  // namespace tweed
