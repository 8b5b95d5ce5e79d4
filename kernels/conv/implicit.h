// Convolution as a matrix product whose im2col matrix is never stored (implicit GEMM): its tiles
// are gathered from the image into shared memory. `cuda` and `sim`.
#pragma once
#include "kernels/bias.h"
#include "kernels/machine/machine.h"
#include "kernels/window.h"

namespace tweed {

// All of them give the same bits for any number of blocks; 0 leaves that to the launcher.

/// y = activation(conv(x, weight) + bias).
/// @param x     (N, H, W, Ci);    @param weight  (Co, K, K, Ci)
/// @param bias  (Co), or empty;   @param y       (N, OH, OW, Co)
template <class M, class T>
void conv_implicit_forward(M&, const Conv&, Activation, Span<const T> x, Span<const T> weight,
                           Span<const T> bias, Span<T> y, int64_t blocks = 0);

/// dx (N, H, W, Ci) from dz (N, OH, OW, Co), the gradient before bias and activation. Both
/// gradients can be added to what is there: `adds`.
/// @param turned  scratch, as many elements as weight
template <class M, class T>
void conv_implicit_backward_input(M&, const Conv&, bool adds, Span<const T> dz,
                                  Span<const T> weight, Span<T> turned, Span<T> dx,
                                  int64_t blocks = 0);

/// A block of the implicit kernels computes tile x tile numbers.
constexpr int64_t conv_tile = 64;
/// The pieces into which the weight gradient cuts the places of the window: enough for about 512
/// blocks, which fill a large GPU once, but none below 256 places. Fixed by the shape, so that the
/// sums do not depend on the GPU.
TWEED_INLINE int64_t conv_weight_slabs(const Conv& c) {
  const int64_t tiles = ceil_div(c.out_channels, conv_tile) * ceil_div(c.window.patch(), conv_tile);
  if (tiles == 0) return 0;
  const int64_t wanted = ceil_div(512, tiles), most = ceil_div(c.window.places(), 256);
  return wanted < most ? wanted : most;
}
/// dweight (Co, K, K, Ci).
/// @param partial  (conv_weight_slabs, Co, K, K, Ci), scratch: at most 2^21 elements and one more
///                 set of weights, 8 MiB in float beside them
template <class M, class T>
void conv_implicit_backward_weight(M&, const Conv&, bool adds, Span<const T> x, Span<const T> dz,
                                   Span<T> dweight, Span<acc_t<T>> partial, int64_t blocks = 0);

}  // namespace tweed
