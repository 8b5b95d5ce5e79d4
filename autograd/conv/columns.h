// im2col and its transpose, col2im, on tensors: for the algorithm im2col, and for unfold and fold.
#pragma once
#include "kernels/window.h"
#include "tensor/tensor.h"

namespace tweed {

/// Of `groups` groups of channels: see kernels/conv/im2col.h.
void im2col(const AnyWindow& w, const Tensor& image, const Tensor& columns, int64_t groups = 1);
void col2im(const AnyWindow& w, const Tensor& columns, const Tensor& image, bool adds = false,
            int64_t groups = 1);

}  // namespace tweed
