// Convolution by unfold, product and fold.
#include "conv2d.h"

#include "autograd/conv.h"  // unfold(x, kernel, stride, padding), fold(columns, shape, ...)
#include "autograd/elementwise.h"
#include "autograd/matmul.h"
#include "autograd/reduce.h"

namespace tweed::exercise {

Tensor convolution(const Tensor& x, const Tensor& w, const Tensor& b, int64_t stride,
                   int64_t padding) {
  const int64_t K = w.dim(1), channels = w.dim(0);
  const Tensor columns = unfold(x, K, stride, padding);
  const Tensor filters = w.reshape({channels, K * K * w.dim(3)});
  const Tensor y = matmul(columns, filters, {.transpose_b = true}) + b;
  const int64_t height = (x.dim(1) + 2 * padding - K) / stride + 1;
  return y.reshape({x.dim(0), height, y.dim(0) / (x.dim(0) * height), channels});
}

ConvGradients convolution_backward(const Tensor& x, const Tensor& w, const Tensor& dy,
                                   int64_t stride, int64_t padding) {
  const int64_t K = w.dim(1), channels = w.dim(0);
  const Tensor columns = unfold(x, K, stride, padding);
  const Tensor filters = w.reshape({channels, K * K * w.dim(3)});
  const Tensor rows = dy.reshape({dy.size() / channels, channels});
  return {fold(matmul(rows, filters), x.shape(), K, stride, padding),
          matmul(rows, columns, {.transpose_a = true}).reshape(w.shape()), sum(rows, {0})};
}

}  // namespace tweed::exercise
