#include "kernels/conv/turn_filters.h"
#include "kernels/machine/kernel.h"
#include "kernels/quotient.h"

namespace tweed {
namespace MACHINE {

/// A turn with the divisors that a thread needs to know what it turns.
struct TurnDivisors {
  Quotient of_Co, of_taps, of_Ci, of_width, of_phases;
  explicit TurnDivisors(const Turn& t)
      : of_Co(int(t.padded_Co)),
        of_taps(t.height * t.width),
        of_Ci(int(t.Ci)),
        of_width(t.width),
        of_phases(t.phases) {}
};

template <class T>
__global__ void turn_filters_kernel(Turn t, TurnDivisors d, int64_t count,
                                    const T* __restrict__ weight, T* __restrict__ turned) {
  const int taps = t.height * t.width, Ci = int(t.Ci), Co = int(t.Co), padded = int(t.padded_Co);
  for (int64_t i : grid_stride(count)) {
    const int cell = d.of_Co.of(int(i)), o = int(i) - cell * padded;
    const int filter = d.of_taps.of(cell), tap = cell - filter * taps;
    const int phase = d.of_Ci.of(filter), c = filter - phase * Ci;
    const int down = d.of_phases.of(phase), line = d.of_width.of(tap);
    const int kh = t.row + down + (t.height - 1 - line) * t.stride;
    const int kw =
        t.column + phase - down * t.phases + (t.width - 1 - (tap - line * t.width)) * t.stride;
    const bool inside = kh < t.K && kw < t.K && o < Co;
    turned[i] = inside ? weight[((o * t.K + kh) * t.K + kw) * Ci + c] : store<T>(0);
  }
}

}  // namespace MACHINE
using namespace MACHINE;

template <class M, class T>
void turn_filters(M& here, const Turn& turn, Span<const T> weight, Span<T> turned) {
  if (!turn.size()) return;  // no tap hits this phase
  launch(turn_filters_kernel<T>, {.grid = ceil_div(turn.size(), 256)}, here, turn,
         TurnDivisors(turn), turn.size(), weight, turned);
}

#define INSTANTIATE(T) template void turn_filters(Here&, const Turn&, Span<const T>, Span<T>);
FOR_FLOATING_TYPES(INSTANTIATE)

}  // namespace tweed
