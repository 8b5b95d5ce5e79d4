// What a convolution reads where: the windows of all three passes in one form, and pieces of
// images with their border. For tiled*.cpp.
#pragma once
#include <algorithm>
#include <cstring>
#include <vector>

#include "kernels/window.h"

namespace tweed {

/// A pixel under a window: which of the filter's it meets, and how far it lies from where the
/// window stands.
struct Tap {
  int64_t filter, shift;
};

/// Windows along one direction. The i-th stands on pixel i * step and gives result first + i *
/// apart.
struct Axis {
  int64_t count, step, first, apart;
  std::vector<Tap> taps;
};

/// The least and the largest shift of taps along one direction.
struct Reach {
  int64_t least = 0, most = 0;
  int64_t pixels() const { return most - least + 1; }
};

/// The windows that see the same taps.
struct Phase {
  Axis rows, columns;
  int64_t taps() const { return int64_t(rows.taps.size() * columns.taps.size()); }
};

/// Windows over images (N, H, W, C), whose results are (N, out_h, out_w, out_channels).
///
/// The forward pass has one phase. The input gradient with stride s has s x s: row h = i s + f of
/// the input gets dz[i + shift] weight[kh] for all kh with (f + padding - kh dilation) = shift s,
/// which are the same for all rows of the phase f. So every phase steps by one, and none multiplies
/// zeros that a stride would put between the rows of dz:
///
///     kernel 3, stride 2, padding 1      row 2i    gets dz[i] weight[1]
///                                        row 2i+1  gets dz[i + 1] weight[0] + dz[i] weight[2]
struct Windows {
  int64_t N, H, W, C, out_h, out_w, out_channels;
  std::vector<Phase> phases;
  // The taps of all phases lie within these, from where a window stands.
  Reach down = {}, across = {};

  // Of convolutions in one group.
  static Windows forward(const AnyConv& c);
  static Windows backward_input(const AnyConv& c);
  /// Pixels from window to window, the same in all phases.
  int64_t row_step() const { return phases[0].rows.step; }
  int64_t column_step() const { return phases[0].columns.step; }
  /// Most windows of a phase, along each direction.
  int64_t rows() const { return phases[0].rows.count; }
  int64_t columns() const { return phases[0].columns.count; }
};

/// Some images and, of these, some rows of windows.
struct Block {
  Range images, rows;
};

/// The windows cut into blocks whose bands have about `elements` numbers: several whole images, or
/// rows of one.
std::vector<Block> blocks_of(const Windows& w, int64_t elements);

/// A piece of the images, with zeros where windows reach beyond the border.
template <class T>
struct Band {
  const T* data;       ///< the first tap of the block's first window
  int64_t row, image;  ///< elements from one to the next
};

/// Rows and columns of a band, and whether the image itself serves, since no window leaves it.
struct BandShape {
  int64_t rows, columns;
  bool inside;
  /// For blocks of `rows` rows of windows.
  BandShape(const Windows& w, int64_t window_rows)
      : rows((window_rows - 1) * w.row_step() + w.down.pixels()),
        columns((w.columns() - 1) * w.column_step() + w.across.pixels()),
        inside(w.down.least >= 0 && w.across.least >= 0 &&
               (w.columns() - 1) * w.column_step() + w.across.most < w.W &&
               (w.rows() - 1) * w.row_step() + w.down.most < w.H) {}
};

/// Copies a block's band into `to` unless the image serves.
template <class T>
Band<T> band_of(const Windows& w, const Block& b, const T* images, T* to) {
  const BandShape shape(w, b.rows.last - b.rows.first);
  const int64_t top = b.rows.first * w.row_step() + w.down.least, left = w.across.least;
  if (shape.inside)
    return {images + ((b.images.first * w.H + top) * w.W + left) * w.C, w.W * w.C, w.H * w.W * w.C};
  const int64_t row = shape.columns * w.C;
  const int64_t before = std::min(std::max<int64_t>(0, -left), shape.columns);
  const int64_t from = left + before,
                pixels = std::clamp<int64_t>(w.W - from, 0, shape.columns - before);
  T* p = to;
  for (int64_t n = b.images.first; n < b.images.last; ++n)
    for (int64_t h = top; h < top + shape.rows; ++h, p += row) {
      const int64_t some = h < 0 || h >= w.H ? 0 : pixels;
      std::fill(p, p + before * w.C, T(0));
      if (some)
        std::memcpy(p + before * w.C, images + ((n * w.H + h) * w.W + from) * w.C,
                    std::size_t(some * w.C) * sizeof(T));
      std::fill(p + (before + some) * w.C, p + row, T(0));
    }
  return {to, row, shape.rows * row};
}

/// Elements from a band's data to each number under a phase's window: patch order (rows, columns,
/// channels).
std::vector<int32_t> patch_offsets(const Windows& w, const Phase& phase, int64_t band_row);

}  // namespace tweed
