#include "my_conv.h"

#include <cmath>

using namespace tweed;

// A convolution is a product: each row of `columns` is the patch under one place of the window,
// each row of `filters` one filter, and y = columns filters^T + bias has a column for each filter.
Tensor my_conv(const Tensor& x, const Tensor& weight, const Tensor& bias, int64_t stride,
               int64_t padding) {
  const Shape image = x.shape();
  const int64_t out = weight.dim(0), kernel = weight.dim(1);
  Tensor y, columns, filters;
  {
    const NoGrad by_hand;
    columns = unfold(x, kernel, stride, padding);
    filters = weight.reshape({out, kernel * kernel * image[3]});
    y = matmul(columns, filters, {.transpose_b = true}) + bias;
  }
  const Shape result{image[0], (image[1] + 2 * padding - kernel) / stride + 1,
                     (image[2] + 2 * padding - kernel) / stride + 1, out};
  return record("my_conv", {x, weight, bias}, y.reshape(result), save(columns, weight),
                [=](const Saved& saved, const Tensor& dy, Want want) {
                  const NoGrad by_hand;
                  const Tensor& columns = saved[0];
                  const Tensor dz = dy.reshape({columns.dim(0), out});
                  const Tensor filters = saved[1].reshape({out, columns.dim(1)});
                  Grads grads(3);
                  // Each pixel gets back what every patch that it is in asks for.
                  if (want[0]) grads[0] = fold(matmul(dz, filters), image, kernel, stride, padding);
                  if (want[1])
                    grads[1] = matmul(dz, columns, {.transpose_a = true}).reshape(saved[1].shape());
                  if (want[2]) grads[2] = sum(dz, {0});
                  return grads;
                });
}

MyConv::MyConv(int64_t in, int64_t out, int64_t kernel, int64_t stride)
    : stride_(stride), padding_(kernel / 2) {
  const InitKey key = next_layer();
  const double bound = 1 / std::sqrt(double(in * kernel * kernel));
  weight_ = add_parameter("weight", uniform_init({out, kernel, kernel, in}, bound, key));
  bias_ = add_parameter("bias", Tensor::zeros({out}));
}

Tensor MyConv::forward(const Tensor& x) { return my_conv(x, weight_, bias_, stride_, padding_); }
