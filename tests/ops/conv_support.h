// What the tests of convolutions share: the definition, and a way to choose the algorithm.
#pragma once
#include <vector>

#include "autograd/conv/algorithm.h"

namespace tweed {

/// Lets a device use an algorithm for the length of a scope: for what calls conv2d without options.
class Using {
 public:
  Using(const ConvAlgorithm& algorithm, Device device) : device_(device) {
    set_conv_algorithm(device, &algorithm);
  }
  ~Using() { set_conv_algorithm(device_, nullptr); }
  Using(const Using&) = delete;

 private:
  Device device_;
};

/// The algorithms that plan_conv finds for forward pass, input and weight gradient: "direct, tiled,
/// tiled". Null is `auto`.
std::string plan_of(const AnyConv& c, DType dtype, Device device,
                    const ConvAlgorithm* algorithm = nullptr);

/// float32 rounded to TF32's 10 bits of fraction, halves away from zero; other dtypes as they are.
Tensor rounded_to_tf32(const Tensor& t);

/// A convolution's three passes by definition, in plain loops over doubles. dz is the gradient
/// before the activation; an empty bias stands for zeros, an empty dz for zeros, too.
struct ByDefinition {
  std::vector<double> y, dx, dw, db;

  ByDefinition(const Tensor& x, const Tensor& w, const std::vector<double>& b,
               const std::vector<double>& dz, int64_t stride, int64_t padding)
      : dx(std::size_t(x.size())), dw(std::size_t(w.size())), db(std::size_t(w.dim(0))) {
    const auto xv = x.to_doubles(), wv = w.to_doubles();
    const int64_t H = x.dim(1), W = x.dim(2), C = x.dim(3), K = w.dim(1), O = w.dim(0);
    const int64_t OH = (H + 2 * padding - K) / stride + 1, OW = (W + 2 * padding - K) / stride + 1;
    for (int64_t n = 0; n < x.dim(0); ++n)
      for (int64_t i = 0; i < OH; ++i)
        for (int64_t j = 0; j < OW; ++j)
          for (int64_t o = 0; o < O; ++o) {
            double sum = b.empty() ? 0 : b[std::size_t(o)];
            const double g = dz.empty() ? 0 : dz[y.size()];
            db[std::size_t(o)] += g;
            for (int64_t kh = 0; kh < K; ++kh)
              for (int64_t kw = 0; kw < K; ++kw) {
                const int64_t h = i * stride - padding + kh, v = j * stride - padding + kw;
                if (h < 0 || h >= H || v < 0 || v >= W) continue;
                for (int64_t c = 0; c < C; ++c) {
                  const auto at = std::size_t(((n * H + h) * W + v) * C + c);
                  const auto tap = std::size_t(((o * K + kh) * K + kw) * C + c);
                  sum += xv[at] * wv[tap];
                  dx[at] += g * wv[tap];
                  dw[tap] += g * xv[at];
                }
              }
            y.push_back(sum);
          }
  }
};

/// A convolution to compare with its definition.
struct ConvCase {
  Shape x;
  int64_t out, kernel, stride, padding;
  bool bias = true;
  Activation activation = Activation::none;

  Shape weight() const { return {out, kernel, kernel, x[3]}; }
  ConvOptions options(const ConvAlgorithm& algorithm) const {
    return {
        .stride = stride, .padding = padding, .activation = activation, .algorithm = &algorithm};
  }
};
/// Kernels of 1 to 7, strides of 1 to 3 and paddings of 0 to 3, all with all, on small images of
/// odd sizes, with numbers of channels taken from the list in turn.
std::vector<ConvCase> every_window(const std::vector<int64_t>& channels);

/// What a rung computes for a case, and from what.
struct ConvOutcome {
  Tensor x, w, b, dy, y;
  std::vector<Tensor> gradients;  ///< of x, w and, if there is one, b

  ConvOutcome(const ConvCase& c, const ConvAlgorithm& rung, DType dtype, Device device);
};

/// Checks all passes of a rung against the definition, with a difference of the largest magnitude,
/// or of 1, that rounding allows the dtype (see conv_support.cpp), or of `tolerance`.
void check_conv(const ConvCase& c, const ConvAlgorithm& rung, DType dtype, Device device,
                double tolerance = 0);

/// Checks moments (slabs, 2, C), as ChannelMoments has them, against y's (rows, C) in doubles: a
/// mean to some roundings of floats of its size, deviations to what such a mean leaves of them.
void check_moments(const Tensor& y, const Tensor& moments, int64_t slab_rows);

}  // namespace tweed
