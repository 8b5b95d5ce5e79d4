// Convolution on Hopper's own tensor cores: tiles brought by TMA, multiplied by wgmma. `cuda`,
// compute capability 9.0, bfloat16. Never run on a GPU: the emulated one has run it.
#pragma once
#include "kernels/bias.h"
#include "kernels/conv/slide.h"
#include "kernels/machine/machine.h"

namespace tweed {

/// Whether a machine has the kernels below: the GPU, and this build.
template <class M>
bool has_conv_wgmma(const M&) {
  return false;
}
bool has_conv_wgmma(const Cuda&);

/// Whether TMA can find a slide's windows in its images: channels and results in chunks of eight
/// numbers, one phase, steps and corners as far as a tensor map counts.
bool wgmma_can(const Slide&);

/// The rows of a tile, and how many columns it may have.
constexpr int wgmma_rows = 128, wgmma_columns[] = {64, 128, 256};
/// How a product is cut: the columns of its tiles, one of wgmma_columns, and the slices along k,
/// which other blocks compute and a second pass adds up in order.
struct WgmmaPlan {
  int columns;
  int64_t slices;
  bool operator==(const WgmmaPlan&) const = default;
};
/// By the shape alone, as all of the plans.
WgmmaPlan wgmma_plan(const Slide&);

/// y = activation(windows x filters + bias). Images, filters and y aligned to 16 bytes.
/// @param images   (N, H, W, C) of the slide
/// @param filters  (channels, height, width, C)
/// @param bias     (channels), or empty
/// @param y        (N, out_H, out_W, channels); pixels that no place has as result stay as they are
/// @param partial  (slices, places, channels) if there is more than one slice, else empty
/// @param moments  (row tiles, 2, channels), or empty: as of conv_mma()
/// @param blocks   0 for as many as the launcher finds right; the bits are the same for all
template <class M>
void conv_wgmma(M&, const Slide&, const WgmmaPlan&, Activation, Span<const bf16> images,
                Span<const bf16> filters, Span<const bf16> bias, Span<bf16> y, Span<float> partial,
                Span<float> moments = {}, int64_t blocks = 0);

/// How the weight gradient is cut: its tiles, and into how many slices the places, which other
/// blocks take and add_weight_slices() of mma.h adds up in order.
struct WgmmaWeightPlan {
  int columns;  ///< 64 or 128
  int64_t slices;
};
WgmmaWeightPlan wgmma_weight_plan(const Slide&);

/// Sums of dz times the windows of a forward_slide(), each slice over its share of the places.
/// @param images   (N, H, W, C) of the slide
/// @param dz       (places, channels)
/// @param partial  (slices, channels, height, width, C)
template <class M>
void conv_wgmma_weight(M&, const Slide&, const WgmmaWeightPlan&, Span<const bf16> images,
                       Span<const bf16> dz, Span<float> partial, int64_t blocks = 0);

}  // namespace tweed
