// im2col and its transpose, col2im, on tensors: for the algorithm im2col, and for unfold and fold.
#pragma once
#include "kernels/window.h"
#include "tensor/tensor.h"

namespace tweed {

void im2col(const Window& w, const Tensor& image, const Tensor& columns);
void col2im(const Window& w, const Tensor& columns, const Tensor& image, bool adds = false);

}  // namespace tweed
