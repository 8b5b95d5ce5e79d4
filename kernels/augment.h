// Batches from images that lie decoded in a device's memory.
#pragma once
#include "kernels/conv/pack_pixels.h"
#include "kernels/machine/machine.h"

namespace tweed {

/// How a place between stored pixels gets its colour.
enum class PixelFilter : int32_t {
  copy,      ///< that of the pixel it lies in
  bilinear,  ///< a triangle's weights over the pixels within `reach` of it
  bicubic,   ///< Keys' cubic (a = -0.5), over the pixels within twice `reach`
};

/// What a network sees of one stored image: which part, how turned and in which colours. All
/// members have 32 bits, so that a list of views travels as a tensor of int32.
///
/// Places count from the upper left corner in pixels, centres lying at halves, as in Pillow: pixel
/// (y, x) of the result shows the place
///
///   column = map[0] (x + 0.5) + map[1] (y + 0.5) + map[2]
///   row    = map[3] (x + 0.5) + map[4] (y + 0.5) + map[5]
///
/// of the stored image, and is 0 (the mean colour, once normalised) if that lies outside. A filter
/// uses the pixels inside alone, whose weights it scales to add up to 1. With a `reach` of as many
/// stored pixels as the result's are apart, but at least 1, nothing is skipped where an image
/// shrinks: for upright maps that is Pillow's resize(box=...).
struct View {
  int32_t image = 0, label = 0;
  PixelFilter filter = PixelFilter::copy;
  float map[6] = {1, 0, 0, 0, 1, 0};
  float reach[2] = {1, 1};  ///< along a row, along a column
  /// Below 1 the mean of the 3 x 3 pixels around comes in, the middle one counting 5 times; above
  /// it is taken away (Pillow's ImageEnhance.Sharpness).
  float sharpness = 1;
  int32_t has_curve = 0;   ///< pixel values first go through the view's row of `curves`
  int32_t has_colour = 0;  ///< then become (3, 4) x (red, green, blue, 1), cut to 0...255
  float colour[12] = {1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0};
  int32_t erased[4] = {0, 0, 0, 0};  ///< top, left, bottom, right of what becomes 0
  // Of the second of two views, which is mixed into the first:
  int32_t mixed[4] = {0, 0, 0, 0};  ///< top, left, bottom, right of where it shows
  float share = 0;                  ///< how much of it shows there; the first has the rest
  float label_share = 0;            ///< what its label counts; the first's has the rest
};
constexpr int64_t view_words = int64_t(sizeof(View) / sizeof(int32_t));

/// Pixel values 0...255 to what a network takes: v * factor + offset, by channel.
struct PixelScale {
  float factor[3], offset[3];
};

struct AugmentShape {
  int64_t side;   ///< height and width of the stored images
  int64_t size;   ///< height and width of the result
  int64_t views;  ///< of a result: 1, or 2 that are mixed
  PixelScale scale;
  Packing packing = plain_pixels(3);  ///< how results lie
};

/// images[i] = what view i shows, normalised; or the mix of views 2i and 2i + 1. A view that copies
/// and has no colours of its own takes its values from `table`.
///
/// @param pixels        (all, side, side, 3)
/// @param plan          (count * views, view_words): Views
/// @param curves        (count * views, 3, 256), what a pixel value of each channel becomes where a
///                      view has_curve; may be empty if none has
/// @param table         (3, 256), normalised pixel values
/// @param images        (count, size, size, 3), or as pack_pixels() would lay them: on GPUs, for a
///                      packing whose pixels, one or two, fill a chunk of 16 bytes
/// @param labels        (count), of first views
/// @param other_labels  (count), of second views, and
/// @param label_shares  (count), what these count; both empty if there is one view
template <class M, class T>
void augment(M&, const AugmentShape&, Span<const uint8_t> pixels, Span<const int32_t> plan,
             Span<const uint8_t> curves, Span<const float> table, Span<T> images,
             Span<int32_t> labels, Span<int32_t> other_labels, Span<float> label_shares);

}  // namespace tweed
