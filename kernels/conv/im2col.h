// Convolution as a matrix product: copying every patch into a row, and back.
#pragma once
#include "kernels/machine/machine.h"
#include "kernels/window.h"

namespace tweed {

/// columns[(n, oh, ow), (g, kh, kw, c)] = image[n, oh stride - padding + kh dilation, ..., (g, c)],
/// 0 outside: a row has the patches of all groups of channels, one behind another.
///
/// @param image    (N, H, W, C)
/// @param columns  (places, patch)
template <class M, class T>
void im2col(M&, const AnyWindow&, Span<const T> image, Span<T> columns, int64_t groups = 1);

/// The transpose of im2col: each pixel is the sum of all column entries that it was copied to, or
/// with `adds` grows by it.
template <class M, class T>
void col2im(M&, const AnyWindow&, Span<const T> columns, Span<T> image, bool adds = false,
            int64_t groups = 1);

}  // namespace tweed
