// Sums and extremes over axes, and the transpose of a sum. Work is cut by shape alone: the same
// bits on every grid.
#pragma once
#include "kernels/machine/machine.h"

namespace tweed {

/// A tensor seen as (outer, reduce, inner), of which the middle part is folded up.
struct Reduction {
  int64_t outer = 1, reduce = 1, inner = 1;

  /// The slabs into which the sum is cut; a second pass adds those up if there are several.
  constexpr int64_t slabs() const {
    const int64_t rows = inner == 1 ? 8192 : 32;  // the fewest that make a slab worthwhile
    // Where there is enough to do side by side, a second pass costs more than it saves.
    if (reduce <= rows || (inner > 1 && outer >= 256 && reduce <= 8 * rows)) return 1;
    const int64_t all = inner == 1 ? 4096 : 1024, enough = ceil_div(reduce, rows);
    const int64_t most = outer > all / 4 ? 4 : all / (outer + !outer);
    // Beyond that, slabs bound the length of a sum and so its rounding error.
    const int64_t at_least = ceil_div(reduce, int64_t(1) << 20);
    return enough < most ? enough : at_least > most ? at_least : most;
  }
  /// Elements of scratch.
  constexpr int64_t scratch() const { return slabs() == 1 ? 0 : outer * slabs() * inner; }
};

/// How elements are brought together. An extreme is NaN as soon as one element is, and of no
/// elements infinite. max_abs is the largest magnitude.
enum class Fold : uint8_t { sum, sum_of_squares, max, min, max_abs };

/// y[o, i] = the fold over r of x[o, r, i], divided by `divisor`, which is 1 for extremes.
///
/// @param x        (outer, reduce, inner)
/// @param y        (outer, inner)
/// @param scratch  Reduction::scratch() elements
template <class M, class T>
void fold(M&, Fold, const Reduction&, double divisor, Span<const T> x, Span<T> y,
          Span<acc_t<T>> scratch);

/// y[o, r, i] = x[o, i] / divisor.
template <class M, class T>
void repeat(M&, const Reduction&, double divisor, Span<const T> x, Span<T> y);

}  // namespace tweed
