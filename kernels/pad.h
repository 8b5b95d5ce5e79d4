// Borders of what is inside: mirrored, repeated, or of the opposite side. One axis at a time.
#pragma once
#include "kernels/machine/machine.h"
#include "kernels/window.h"

namespace tweed {

/// What a border has: a constant; the pixels inside mirrored about the outermost, which is not
/// repeated; the outermost over and over; those of the opposite side.
enum class PadMode : int { constant, reflect, replicate, circular };

/// Arrays (outer, size, inner) that become (outer, before + size + after, inner). A mirrored border
/// is narrower than the array, one of the opposite side no wider.
struct PadPass {
  int64_t outer, size, inner, before, after;
  PadMode mode;

  TWEED_INLINE int64_t out() const { return before + size + after; }
  /// What place o of the result shows.
  TWEED_INLINE int64_t source(int64_t o) const {
    const int64_t i = o - before, last = size - 1;
    if (i >= 0 && i <= last) return i;
    if (mode == PadMode::reflect) return i < 0 ? -i : 2 * last - i;
    if (mode == PadMode::circular) return i < 0 ? i + size : i - size;
    return i < 0 ? 0 : last;
  }
  /// The places of the border before, and of that behind, that show i.
  TWEED_INLINE Range shown_before(int64_t i) const {
    if (mode == PadMode::replicate) return {0, i == 0 ? before : 0};
    const int64_t o = mode == PadMode::reflect ? before - i : before - size + i;
    const bool shown = o >= 0 && o < before;
    return {o, shown ? o + 1 : o};
  }
  TWEED_INLINE Range shown_behind(int64_t i) const {
    const int64_t from = before + size, last = size - 1;
    if (mode == PadMode::replicate) return {from, i == last ? out() : from};
    const int64_t o = mode == PadMode::reflect ? before + 2 * last - i : from + i;
    const bool shown = o >= from && o < out();
    return {o, shown ? o + 1 : o};
  }
};

template <class M, class T>
void pad_forward(M&, const PadPass&, Span<const T> x, Span<T> y);
/// Each element adds up dy where it is shown: before, inside, behind.
template <class M, class T>
void pad_backward(M&, const PadPass&, Span<const T> dy, Span<T> dx);

}  // namespace tweed
