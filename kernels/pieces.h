// Rows cut into pieces, so that few long rows and many short ones are both spread over all threads.
#pragma once
#include <cstdint>

#include "kernels/machine/inline.h"

namespace tweed {

/// `rows` rows of `width` contiguous elements; a row is cut into pieces of `longest` elements.
struct Pieces {
  static constexpr int64_t longest = 1024;
  int64_t rows, width;

  struct Piece {
    int64_t row, first, size;
  };
  TWEED_INLINE int64_t per_row() const { return (width + longest - 1) / longest; }
  TWEED_INLINE int64_t count() const { return rows * per_row(); }
  TWEED_INLINE Piece operator[](int64_t i) const {
    const int64_t row = i / per_row(), first = (i - row * per_row()) * longest;
    return {row, first, width - first < longest ? width - first : longest};
  }
};

}  // namespace tweed
