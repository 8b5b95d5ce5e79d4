#include "kernels/augment.h"
#include "kernels/machine/kernel.h"
#include "kernels/packs/packs.h"
#include "kernels/quotient.h"

namespace tweed {
namespace MACHINE {

struct Colour {
  float v[3];
};

// A stored image, and what its pixel values become first.
struct Stored {
  const uint8_t* pixels;
  const uint8_t* curve;  // (3, 256), or null
  int side;

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

// Row y of a rectangle(): seen() with everything that its pixels share worked out once.
struct RectangleRow {
  const uint8_t* line;
  float step, start, end;  // end: 0 if the row lies outside
  int erased_from, erased_to;

  TWEED_INLINE RectangleRow(const View& view, const Stored& image, int y)
      : step(view.map[0]), start(view.map[2]) {
    const float row = view.map[4] * (float(y) + 0.5f) + view.map[5];
    const bool holds = row >= 0 && row < float(image.side);
    const bool erases = y >= view.erased[0] && y < view.erased[2];
    line = image.pixels + (holds ? int64_t(int(row)) * int(image.side * 3) : 0);
    end = holds ? float(image.side) : 0;
    erased_from = erases ? view.erased[1] : 0;
    erased_to = erases ? view.erased[3] : 0;
  }
  TWEED_INLINE Colour at(int x, const float* table) const {
    const float column = step * (float(x) + 0.5f) + start;
    if (!(column >= 0 && column < end) || (x >= erased_from && x < erased_to)) return {{0, 0, 0}};
    const uint8_t* const p = line + unsigned(3 * int(column));
    return {{table[p[0]], table[256 + p[1]], table[512 + p[2]]}};
  }
};

// What a result shows: a view of a stored image, or two that are mixed. Offsets are products of 32
// bits, a quarter of what a GPU takes for those of 64.
struct Sight {
  const View &view, &other;  // the same if there is no second
  const uint8_t *pixels, *curves;
  int side;
  uint32_t number;  // of the first view
  bool mixes;

  TWEED_INLINE Sight(const AugmentShape& shape, int i, const View* all, const uint8_t* pixels,
                     const uint8_t* curves)
      : Sight(all + uint32_t(i) * uint32_t(shape.views), shape, i, pixels, curves) {}
  TWEED_INLINE Sight(const View* first, const AugmentShape& shape, int i, const uint8_t* pixels,
                     const uint8_t* curves)
      : view(*first),
        other(first[shape.views > 1]),
        pixels(pixels),
        curves(curves),
        side(int(shape.side)),
        number(uint32_t(i) * uint32_t(shape.views)),
        mixes(shape.views > 1) {}

  TWEED_INLINE Stored image() const { return stored(view, number); }
  TWEED_INLINE Stored stored(const View& v, uint32_t number_of_v) const {
    const uint32_t bytes = uint32_t(side) * uint32_t(side) * 3;
    return {pixels + uint64_t(uint32_t(v.image)) * bytes,
            v.has_curve ? curves + uint64_t(number_of_v) * 768 : nullptr, side};
  }
  // Whether it is a rectangle of the stored image, perhaps mirrored, as most training images are.
  TWEED_INLINE bool is_rectangle() const {
    return !mixes && view.filter == PixelFilter::copy && !view.has_colour && !view.has_curve &&
           view.sharpness == 1 && view.map[1] == 0 && view.map[3] == 0;
  }
  TWEED_INLINE Colour at(const PixelScale& scale, const float* table, int64_t y, int64_t x) const {
    Colour v = seen(view, image(), scale, table, y, x);
    if (mixes && is_within(other.mixed, y, x)) {
      const Colour more = seen(other, stored(other, number + 1), scale, table, y, x);
      for (int c = 0; c < 3; ++c) v.v[c] = (1 - other.share) * v.v[c] + other.share * more.v[c];
    }
    return v;
  }
};

// Where the labels of results go.
struct LabelPlaces {
  int32_t *labels, *others;
  float* shares;
  TWEED_INLINE void write(int64_t i, const Sight& sight) const {
    labels[i] = sight.view.label;
    if (sight.mixes) others[i] = sight.other.label;
    if (sight.mixes) shares[i] = sight.other.label_share;
  }
};

template <class T>
TWEED_INLINE void put(const Colour& v, T* to) {
  for (int c = 0; c < 3; ++c) to[c] = store<T>(acc_t<T>(v.v[c]));
}

// A row of threads for each row of an image.
template <class T>
__global__ void augment_kernel(AugmentShape shape, Quotient of_size, int64_t rows,
                               const uint8_t* __restrict__ pixels, const int32_t* __restrict__ plan,
                               const uint8_t* __restrict__ curves, const float* __restrict__ table,
                               T* __restrict__ images, int32_t* __restrict__ labels,
                               int32_t* __restrict__ other_labels, float* __restrict__ shares) {
  const int size = int(shape.size);
  for (int64_t row : grid_rows(rows)) {
    const int i = of_size.of(int(row)), y = int(row) - i * size;
    const Sight sight(shape, i, reinterpret_cast<const View*>(plan), pixels, curves);
    if (y == 0 && threadIdx.x == 0) LabelPlaces{labels, other_labels, shares}.write(i, sight);
    T* const to = images + uint64_t(uint32_t(row)) * uint32_t(3 * size);
    if (sight.is_rectangle()) {
      const RectangleRow line(sight.view, sight.image(), y);
      for (int64_t x : block_stride(size)) put(line.at(int(x), table), to + unsigned(3 * int(x)));
    } else {
      for (int64_t x : block_stride(size)) put(sight.at(shape.scale, table, y, x), to + 3 * x);
    }
  }
}

#ifndef TWEED_CPU
#include "kernels/packs/augment_packs.h"
#endif

}  // namespace MACHINE
using namespace MACHINE;

// Threads are counted in 31 bits, of which each has four pixels or more, and the bytes of a stored
// image in 32.
static void check_size(const AugmentShape& shape, int64_t results) {
  const int64_t most = int64_t(1) << 31, a_line = shape.size / 4 + 8;
  if (3 * shape.side * shape.side >= 2 * most)
    throw Error("[augment] stored images of " + std::to_string(shape.side) +
                " pixels are too large");
  if (results * shape.size * a_line >= most)
    throw Error("[augment] " + std::to_string(results) + " images of " +
                std::to_string(shape.size) + " pixels are too many for a batch");
}

template <class M, class T>
void augment(M& here, const AugmentShape& shape, Span<const uint8_t> pixels,
             Span<const int32_t> plan, Span<const uint8_t> curves, Span<const float> table,
             Span<T> images, Span<int32_t> labels, Span<int32_t> other_labels,
             Span<float> label_shares) {
  check_size(shape, labels.size());
#ifndef TWEED_CPU
  if (augment_packs(here, shape, pixels, plan, curves, table, images, labels, other_labels,
                    label_shares))
    return;
#endif
  if (shape.packing != plain_pixels(3)) throw Error("[augment] has no such packing of images");
  const int64_t rows = labels.size() * shape.size;
  const Dim block = {32, 8};
  launch(augment_kernel<T>,
         {.grid = ceil_div(rows, block.y), .block = block, .work = images.size()}, here, shape,
         Quotient(int(shape.size)), rows, pixels, plan, curves, table, images, labels, other_labels,
         label_shares);
}

#define INSTANTIATE(T)                                                                        \
  template void augment(Here&, const AugmentShape&, Span<const uint8_t>, Span<const int32_t>, \
                        Span<const uint8_t>, Span<const float>, Span<T>, Span<int32_t>,       \
                        Span<int32_t>, Span<float>);
FOR_FLOATING_TYPES(INSTANTIATE)

}  // namespace tweed
