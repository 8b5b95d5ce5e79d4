// What batch norm takes away from the convolution before it. Chapter 6 of docs/course.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "tweed.h"
using namespace tweed;

// Numbers without a pattern that matters here.
Tensor some(const Shape& shape, double start) {
  std::vector<double> values;
  for (int64_t i = 0; i < shape.size(); ++i)
    values.push_back(std::sin(start + 1.7 * double(i * i)));
  return Tensor::from(values, shape);
}
double dot(const Tensor& a, const Tensor& b) {
  const auto x = a.to_doubles(), y = b.to_doubles();
  double sum = 0;
  for (std::size_t i = 0; i < x.size(); ++i) sum += x[i] * y[i];
  return sum;
}
double largest_difference(const Tensor& a, const Tensor& b) {
  const auto x = a.to_doubles(), y = b.to_doubles();
  double largest = 0;
  for (std::size_t i = 0; i < x.size(); ++i) largest = std::max(largest, std::abs(x[i] - y[i]));
  return largest;
}

// A convolution of 4 filters and a batch norm behind it.
Tensor normalised(const Tensor& x, const Tensor& w, const Tensor& bias) {
  const Tensor gamma = Tensor::full({4}, 1, DType::float64);
  const Tensor beta = Tensor::zeros({4}, DType::float64);
  const BatchNormOptions options{.training = true, .eps = 1e-12};
  return batch_norm(conv2d(x, w, bias), gamma, beta, {}, {}, options);
}

int main() {
  const Tensor x = some({8, 6, 6, 3}, 1), w = some({4, 3, 3, 3}, 2), b = some({4}, 3);
  const Tensor y = normalised(x, w, b);
  std::printf("bias + 5 changes y by %.6f\n", largest_difference(normalised(x, w, b + 5), y));
  std::printf("10 w changes y by %.6f\n", largest_difference(normalised(x, w * 10, b), y));
  std::printf("-w changes y by %.1f\n", largest_difference(normalised(x, w * -1, b), y));

  // Any loss behind it.
  const Tensor factors = some(y.shape(), 4);
  const auto gradients = [&](double size) {
    const Tensor scaled = Tensor::from((w * size).to_vector<double>(), w.shape());
    const Tensor bias = b.clone();
    require_grad(scaled), require_grad(bias);
    backward(sum(normalised(x, scaled, bias) * factors));
    const Tensor dw = grad(scaled), db = grad(bias);
    std::printf("w times %g: |dw| = %.4f, |dw . w| = %.6f, |dbias| = %.6f\n", size,
                std::sqrt(dot(dw, dw)), std::abs(dot(dw, scaled)), std::sqrt(dot(db, db)));
  };
  gradients(1);
  gradients(10);
}
