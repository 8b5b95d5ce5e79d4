// A slide as the kernels on tensor cores take it: with its divisors, and cut into slices.
#pragma once
#include "kernels/conv/slide.h"
#include "kernels/quotient.h"

namespace tweed {

struct MmaSlide {
  Slide s;
  int chunks;  // of a pixel
  int64_t slices;
  bool dense;  // the results of all places follow each other as the places do
  Quotient per_image, columns, pixel_chunks, width, phase_channels;

  MmaSlide(const Slide& s, int64_t slices, int chunk)
      : s(s),
        chunks(s.C / chunk),
        slices(slices),
        dense(s.phases == 1 && s.out_step == 1 && s.out_top == 0 && s.out_left == 0 &&
              s.rows == s.out_H && s.columns == s.out_W),
        per_image(at_least_one(s.rows * s.columns)),
        columns(at_least_one(s.columns)),
        pixel_chunks(at_least_one(chunks)),
        width(at_least_one(s.width)),
        phase_channels(at_least_one(s.channels)) {}
  // No taps, no channels: nothing is divided then.
  static int at_least_one(int n) { return n > 0 ? n : 1; }
  TWEED_INLINE int patch_chunks() const { return s.height * s.width * chunks; }
};

/// Where a place lies.
struct Place {
  int n, row, column;
  TWEED_INLINE Place(const MmaSlide& m, int place)
      : n(m.per_image.of(place)),
        row(m.columns.of(place - n * m.s.rows * m.s.columns)),
        column(place - (n * m.s.rows + row) * m.s.columns) {}
};
/// Where a chunk of a patch lies.
struct PatchChunk {
  int kh, kw, chunk;
  TWEED_INLINE PatchChunk(const MmaSlide& m, int k)
      : kh(m.width.of(m.pixel_chunks.of(k))),
        kw(m.pixel_chunks.of(k) - kh * m.s.width),
        chunk(k - (kh * m.s.width + kw) * m.chunks) {}
};

}  // namespace tweed
