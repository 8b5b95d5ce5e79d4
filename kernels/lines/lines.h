// Arrays seen as lines along one axis.
#pragma once
#include <cstdint>

#include "kernels/machine/inline.h"

namespace tweed {

/// (outer, length, inner): each outer and inner index has a line of its own, whose elements lie
/// `inner` apart.
struct Lines {
  int64_t outer = 1, length = 1, inner = 1;

  TWEED_INLINE int64_t count() const { return outer * inner; }
  /// Where the first element of a line lies.
  TWEED_INLINE int64_t begin(int64_t line) const {
    const int64_t o = line / inner;
    return o * length * inner + (line - o * inner);
  }
};

}  // namespace tweed
