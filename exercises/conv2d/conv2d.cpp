// Convolution by unfold, product and fold.
#include "conv2d.h"

#include "autograd/conv.h"  // unfold(x, kernel, stride, padding), fold(columns, shape, ...)
#include "autograd/elementwise.h"
#include "autograd/matmul.h"
#include "autograd/reduce.h"
#include "exercises/sheet.h"

namespace tweed::exercise {

Tensor convolution(const Tensor& x, const Tensor& w, const Tensor& b, int64_t stride,
                   int64_t padding) {
  // WRITE: the windows' product with the filters, the bias, the shape of the result.
  blank("the forward pass, in conv2d.cpp");
}

ConvGradients convolution_backward(const Tensor& x, const Tensor& w, const Tensor& dy,
                                   int64_t stride, int64_t padding) {
  // WRITE: dw and db, then the windows' gradient and what of it each pixel has.
  blank("the backward pass, in conv2d.cpp");
}

}  // namespace tweed::exercise
