#include "kernels/augment.h"
#include "kernels/machine/kernel.h"

namespace tweed {
namespace MACHINE {

struct Colour {
  float v[3];
};

// A stored image, and what its pixel values become first.
struct Stored {
  const uint8_t* pixels;
  const uint8_t* curve;  // (3, 256), or null
  int64_t side;

  TWEED_INLINE Colour at(int64_t y, int64_t x) const {
    const uint8_t* p = pixels + (y * side + x) * 3;
    if (curve) return {{float(curve[p[0]]), float(curve[256 + p[1]]), float(curve[512 + p[2]])}};
    return {{float(p[0]), float(p[1]), float(p[2])}};
  }
  TWEED_INLINE bool holds(float row, float column) const {
    return row >= 0 && column >= 0 && row < float(side) && column < float(side);
  }
};

// The weight of a pixel whose centre lies d reaches away.
TWEED_INLINE float filter_weight(PixelFilter filter, float d) {
  d = fabsf(d);
  if (filter == PixelFilter::bilinear) return d < 1 ? 1 - d : 0;
  return d < 1 ? (1.5f * d - 2.5f) * d * d + 1 : d < 2 ? ((-0.5f * d + 2.5f) * d - 4) * d + 2 : 0;
}

// The pixels of a row or column that a place at `centre` is mixed from.
struct Taps {
  int64_t first, last;
};
TWEED_INLINE Taps taps_near(float centre, float radius, int64_t side) {
  const int64_t first = int64_t(ceilf(centre - radius - 0.5f));
  const int64_t last = int64_t(floorf(centre + radius - 0.5f));
  return {first < 0 ? 0 : first, last < side ? last : side - 1};
}

TWEED_INLINE Colour filtered(const View& view, const Stored& image, float row, float column) {
  const float radius = view.filter == PixelFilter::bicubic ? 2.f : 1.f;
  const Taps rows = taps_near(row, radius * view.reach[1], image.side);
  const Taps columns = taps_near(column, radius * view.reach[0], image.side);
  const float down = 1 / view.reach[1], right = 1 / view.reach[0];
  Colour sum = {{0, 0, 0}};
  float all = 0;
  for (int64_t y = rows.first; y <= rows.last; ++y) {
    const float of_row = filter_weight(view.filter, (float(y) + 0.5f - row) * down);
    for (int64_t x = columns.first; x <= columns.last; ++x) {
      const float w = of_row * filter_weight(view.filter, (float(x) + 0.5f - column) * right);
      const Colour p = image.at(y, x);
      for (int c = 0; c < 3; ++c) sum.v[c] += w * p.v[c];
      all += w;
    }
  }
  for (int c = 0; c < 3; ++c) sum.v[c] /= all;
  return sum;
}

// The same for four pixels, which is what most views take.
TWEED_INLINE Colour between_four(const Stored& image, float row, float column) {
  const float top = floorf(row - 0.5f), left = floorf(column - 0.5f);
  const float down = row - 0.5f - top, right = column - 0.5f - left;
  const int64_t last = image.side - 1, y = int64_t(top), x = int64_t(left);
  const int64_t y0 = y < 0 ? 0 : y, y1 = y < last ? y + 1 : last;
  const int64_t x0 = x < 0 ? 0 : x, x1 = x < last ? x + 1 : last;
  const Colour a = image.at(y0, x0), b = image.at(y0, x1);
  const Colour p = image.at(y1, x0), q = image.at(y1, x1);
  Colour result;
  for (int c = 0; c < 3; ++c) {
    const float upper = a.v[c] + right * (b.v[c] - a.v[c]);
    const float lower = p.v[c] + right * (q.v[c] - p.v[c]);
    result.v[c] = upper + down * (lower - upper);
  }
  return result;
}

// Pixel values at a place inside the image.
TWEED_INLINE Colour sampled(const View& view, const Stored& image, float row, float column) {
  if (view.filter == PixelFilter::copy)
    return image.at(int64_t(floorf(row)), int64_t(floorf(column)));
  if (view.filter == PixelFilter::bilinear && view.reach[0] == 1 && view.reach[1] == 1)
    return between_four(image, row, column);
  return filtered(view, image, row, column);
}

// Mixed with the 3 x 3 pixels around; places beyond the edge are taken from the edge.
TWEED_INLINE Colour sharpened(const View& view, const Stored& image, float row, float column) {
  const float end = float(image.side) - 0.5f;
  Colour smooth = {{0, 0, 0}}, middle = {{0, 0, 0}};
  for (int y = -1; y <= 1; ++y)
    for (int x = -1; x <= 1; ++x) {
      const float at_row = y ? min(max(row + float(y), 0.5f), end) : row;
      const float at_column = x ? min(max(column + float(x), 0.5f), end) : column;
      const Colour p = sampled(view, image, at_row, at_column);
      const bool is_middle = y == 0 && x == 0;
      if (is_middle) middle = p;
      for (int c = 0; c < 3; ++c) smooth.v[c] += p.v[c] * (is_middle ? 5.f / 13 : 1.f / 13);
    }
  for (int c = 0; c < 3; ++c) smooth.v[c] += view.sharpness * (middle.v[c] - smooth.v[c]);
  return smooth;
}

TWEED_INLINE Colour coloured(const View& view, const Colour& p) {
  Colour result;
  for (int c = 0; c < 3; ++c) {
    const float* row = view.colour + 4 * c;
    result.v[c] = row[0] * p.v[0] + row[1] * p.v[1] + row[2] * p.v[2] + row[3];
  }
  return result;
}

TWEED_INLINE bool is_within(const int32_t* rectangle, int64_t y, int64_t x) {
  return y >= rectangle[0] && x >= rectangle[1] && y < rectangle[2] && x < rectangle[3];
}

// What a view shows at (y, x), normalised.
TWEED_INLINE Colour seen(const View& view, const Stored& image, const PixelScale& scale,
                         const float* table, int64_t y, int64_t x) {
  const float down = float(y) + 0.5f, right = float(x) + 0.5f;
  const float column = view.map[0] * right + view.map[1] * down + view.map[2];
  const float row = view.map[3] * right + view.map[4] * down + view.map[5];
  if (!image.holds(row, column) || is_within(view.erased, y, x)) return {{0, 0, 0}};
  if (view.filter == PixelFilter::copy && !view.has_colour && !image.curve && view.sharpness == 1) {
    const uint8_t* p =
        image.pixels + (int64_t(floorf(row)) * image.side + int64_t(floorf(column))) * 3;
    return {{table[p[0]], table[256 + p[1]], table[512 + p[2]]}};
  }
  Colour v =
      view.sharpness == 1 ? sampled(view, image, row, column) : sharpened(view, image, row, column);
  if (view.has_colour) v = coloured(view, v);
  for (int c = 0; c < 3; ++c)
    v.v[c] = min(max(v.v[c], 0.f), 255.f) * scale.factor[c] + scale.offset[c];
  return v;
}

TWEED_INLINE Stored stored_of(const View& view, int64_t number, int64_t side, const uint8_t* pixels,
                              const uint8_t* curves) {
  return {pixels + view.image * side * side * 3, view.has_curve ? curves + number * 768 : nullptr,
          side};
}

// Whether a view is a rectangle of the stored image, perhaps mirrored, as most training images are.
TWEED_INLINE bool is_rectangle(const View& view) {
  return view.filter == PixelFilter::copy && !view.has_colour && !view.has_curve &&
         view.sharpness == 1 && view.map[1] == 0 && view.map[3] == 0;
}

// Row y of such a view: seen() with everything that its pixels share worked out once.
template <class T>
__device__ inline void copy_row(const View& view, const Stored& image, const float* table,
                                int64_t y, int64_t size, T* to) {
  const float row = view.map[4] * (float(y) + 0.5f) + view.map[5];
  const bool holds_row = row >= 0 && row < float(image.side);
  const bool erases = y >= view.erased[0] && y < view.erased[2];
  const int erased_from = erases ? view.erased[1] : 0, erased_to = erases ? view.erased[3] : 0;
  const uint8_t* const line =
      image.pixels + (holds_row ? int64_t(floorf(row)) * image.side * 3 : 0);
  const float end = float(image.side), step = view.map[0], start = view.map[2];
  for (int64_t i : block_stride(size)) {
    const int x = int(i);
    const float column = step * (float(x) + 0.5f) + start;
    T* const pixel = to + 3 * x;
    if (holds_row && column >= 0 && column < end && (x < erased_from || x >= erased_to)) {
      const uint8_t* p = line + 3 * int(column);
      for (int c = 0; c < 3; ++c) pixel[c] = store<T>(acc_t<T>(table[256 * c + p[c]]));
    } else {
      for (int c = 0; c < 3; ++c) pixel[c] = store<T>(acc_t<T>(0));
    }
  }
}

// A row of threads for each row of an image.
template <class T>
__global__ void augment_kernel(AugmentShape shape, int64_t count,
                               const uint8_t* __restrict__ pixels, const int32_t* __restrict__ plan,
                               const uint8_t* __restrict__ curves, const float* __restrict__ table,
                               T* __restrict__ images, int32_t* __restrict__ labels,
                               int32_t* __restrict__ other_labels, float* __restrict__ shares) {
  const int64_t size = shape.size;
  const View* const all = reinterpret_cast<const View*>(plan);
  for (int64_t row : grid_rows(count * size)) {
    const int64_t i = row / size, y = row - i * size, number = i * shape.views;
    const View& view = all[number];
    const View& other = all[number + shape.views - 1];  // the same if there is no second
    const bool mixes = shape.views > 1;
    const Stored image = stored_of(view, number, shape.side, pixels, curves);
    const Stored second = stored_of(other, number + shape.views - 1, shape.side, pixels, curves);
    if (y == 0 && threadIdx.x == 0) {
      labels[i] = view.label;
      if (mixes) other_labels[i] = other.label;
      if (mixes) shares[i] = other.label_share;
    }
    if (!mixes && is_rectangle(view)) {
      copy_row(view, image, table, y, size, images + row * size * 3);
      continue;
    }
    for (int64_t x : block_stride(size)) {
      Colour v = seen(view, image, shape.scale, table, y, x);
      if (mixes && is_within(other.mixed, y, x)) {
        const Colour more = seen(other, second, shape.scale, table, y, x);
        for (int c = 0; c < 3; ++c) v.v[c] = (1 - other.share) * v.v[c] + other.share * more.v[c];
      }
      T* to = images + (row * size + x) * 3;
      for (int c = 0; c < 3; ++c) to[c] = store<T>(acc_t<T>(v.v[c]));
    }
  }
}

}  // namespace MACHINE
using namespace MACHINE;

template <class M, class T>
void augment(M& here, const AugmentShape& shape, Span<const uint8_t> pixels,
             Span<const int32_t> plan, Span<const uint8_t> curves, Span<const float> table,
             Span<T> images, Span<int32_t> labels, Span<int32_t> other_labels,
             Span<float> label_shares) {
  const Dim block = {32, 8};
  launch(augment_kernel<T>,
         {.grid = ceil_div(labels.size() * shape.size, block.y),
          .block = block,
          .work = images.size()},
         here, shape, labels.size(), pixels, plan, curves, table, images, labels, other_labels,
         label_shares);
}

#define INSTANTIATE(T)                                                                        \
  template void augment(Here&, const AugmentShape&, Span<const uint8_t>, Span<const int32_t>, \
                        Span<const uint8_t>, Span<const float>, Span<T>, Span<int32_t>,       \
                        Span<int32_t>, Span<float>);
FOR_FLOATING_TYPES(INSTANTIATE)

}  // namespace tweed
