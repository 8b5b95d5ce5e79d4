// Convolution as an implicit matrix product on tensor cores. `cuda` (sm_80 or later) and `sim`;
// bfloat16, and float, whose factors are rounded to TF32.
//
// Images, filters and dz are read in chunks of 16 bytes: their last axis is a multiple of
// mma_chunk_numbers(size) and their memory aligned to 16 bytes. What is not is packed first:
// pack_pixels.h. Places and chunks are counted in 31 bits: check_mma_size().
#pragma once
#include "kernels/bias.h"
#include "kernels/conv/pack_pixels.h"
#include "kernels/conv/slide.h"
#include "kernels/machine/machine.h"

namespace tweed {

constexpr int mma_chunk_numbers(int64_t element_bytes) { return int(16 / element_bytes); }
/// The largest window.
constexpr int mma_most_taps = 15;
/// @throws ShapeError  for images of 2^31 chunks or more, or as many places
void check_mma_size(const Slide&, int64_t element_bytes);

/// rows x columns sums, which a block of four warps computes.
struct MmaTile {
  int rows, columns;
  bool operator==(const MmaTile&) const = default;
};
/// How a product is cut: into tiles, and along k into slices, which other blocks compute and a
/// second pass adds up in order. It follows from the shape alone, and so do the bits of the result.
struct MmaPlan {
  MmaTile tile;
  int64_t slices;
  bool operator==(const MmaPlan&) const = default;
};

// All of them give the same bits for any number of blocks; 0 leaves that to the launcher.

/// The tiles that conv_mma has.
constexpr MmaTile mma_tiles[] = {{128, 128}, {256, 64}, {64, 64}, {128, 32}, {128, 16}};
MmaPlan mma_plan(const Slide&, int64_t element_bytes);

/// y = activation(windows x filters + bias).
/// @param images   (N, H, W, C) of the slide
/// @param filters  (results, height, width, C)
/// @param bias     (channels), for one phase; or empty
/// @param y        (N, out_H, out_W, channels); pixels that no place has as result stay as they are
/// @param partial  (slices, places, results) if there is more than one slice, else empty
/// @param moments  (row tiles, 2, channels), or empty: mean of each channel's results over the rows
///                 of a tile, and the sum of their squared deviations from it. For one slice, one
///                 phase and no activation
template <class M, class T>
void conv_mma(M&, const Slide&, const MmaPlan&, Activation, Span<const T> images,
              Span<const T> filters, Span<const T> bias, Span<T> y, Span<float> partial,
              Span<float> moments = {}, int64_t blocks = 0);

/// Its second pass: the sums of the slices, in order; y as above.
/// @param partial  (slices, places, results)
template <class M, class T>
void add_slices(M&, const Slide&, int64_t slices, Activation, Span<const float> partial,
                Span<const T> bias, Span<T> y);

/// The tiles that conv_mma_weight has: rows are output channels, columns numbers of the patch.
constexpr MmaTile mma_weight_tiles[] = {{128, 128}, {64, 128}, {64, 64}};
MmaPlan mma_weight_plan(const Slide&, int64_t padded_Co, int64_t element_bytes);

/// Sums of dz times the windows, each slice over its share of the places.
/// @param images   (N, H, W, C) of the slide
/// @param dz       (places, padded_Co)
/// @param partial  (slices, padded_Co, height, width, C)
template <class M, class T>
void conv_mma_weight(M&, const Slide&, const MmaPlan&, int64_t padded_Co, Span<const T> images,
                     Span<const T> dz, Span<float> partial, int64_t blocks = 0);
/// The second pass: adds up the slices, in order, and leaves out what was padded. With `adds` the
/// sums are added to what is there.
/// @param packing  of the images
/// @param dweight  (Co, K, K, Ci)
template <class M, class T>
void add_weight_slices(M&, const Conv&, const Packing& packing, int64_t padded_Co, int64_t slices,
                       Span<const float> partial, Span<T> dweight, bool adds = false);

}  // namespace tweed
