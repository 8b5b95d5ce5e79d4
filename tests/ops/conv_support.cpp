#include "tests/ops/conv_support.h"

#include <algorithm>
#include <cmath>

#include "autograd/conv/choice.h"
#include "tests/catch.h"
#include "tests/support.h"

namespace tweed {
namespace {

// Of the largest magnitude, or of 1. Sums of up to 1,200 products of about 0.3 are kept in the
// dtype, in whatever order, or in float for bf16, whose results are rounded to 8 bits: 0.2 % at
// most, and twice where im2col adds the bias in a pass of its own.
double tolerance_of(DType dtype) {
  return dtype == DType::float64 ? 2e-14 : dtype == DType::float32 ? 1e-5 : 8e-3;
}

// Who rounds float32 to TF32 gets numbers that fit: then only the sums are rounded.
Tensor input_of(const ConvAlgorithm& rung, const Shape& shape, DType dtype, Device device,
                uint64_t seed) {
  const Tensor t = random_tensor(shape, dtype, device, seed);
  return rung.rounds_to_tf32 ? rounded_to_tf32(t) : t;
}

}  // namespace

Tensor rounded_to_tf32(const Tensor& t) {
  if (t.dtype() != DType::float32) return t;
  auto v = t.to_vector<float>();
  for (float& x : v) x = bits_float((float_bits(x) + 0x1000u) & 0xffffe000u);
  return Tensor::from<float>(v, t.shape(), t.device());
}

std::vector<ConvCase> every_window(const std::vector<int64_t>& channels) {
  std::vector<ConvCase> all;
  for (int64_t kernel : {1, 2, 3, 5, 7})
    for (int64_t stride : {1, 2, 3})
      for (int64_t padding : {0, 1, 2, 3}) {
        const int64_t i = int64_t(all.size()), n = int64_t(channels.size());
        all.push_back({{2, 7 + i % 3, 7 + i % 4, channels[std::size_t(i % n)]},
                       channels[std::size_t((i + i / n) * 7 % n)],
                       kernel,
                       stride,
                       padding,
                       i % 3 > 0,
                       i % 2 ? Activation::relu : Activation::none});
      }
  return all;
}

std::string plan_of(const AnyConv& c, DType dtype, Device device, const ConvAlgorithm* algorithm) {
  const ConvPlan plan = plan_conv(c, dtype, device, algorithm);
  return std::string(plan.forward->name) + ", " + plan.input->name + ", " + plan.weight->name;
}

ConvOutcome::ConvOutcome(const ConvCase& c, const ConvAlgorithm& rung, DType dtype, Device device) {
  x = require_grad(input_of(rung, c.x, dtype, device, 1));
  w = require_grad(input_of(rung, c.weight(), dtype, device, 2));
  if (c.bias) b = require_grad(random_tensor({c.out}, dtype, device, 3));
  y = conv2d(x, w, b, c.options(rung));
  dy = input_of(rung, y.shape(), dtype, device, 4);
  std::vector<Tensor> leaves{x, w};
  if (c.bias) leaves.push_back(b);
  gradients = grad_of(y, leaves, false, dy);
}

void check_conv(const ConvCase& c, const ConvAlgorithm& rung, DType dtype, Device device,
                double tolerance) {
  INFO(c.x.str() << " to " << c.out << ", kernel " << c.kernel << ", stride " << c.stride
                 << ", padding " << c.padding << ", " << rung.name << ", " << name_of(dtype) << ", "
                 << device.name());
  const bool relu = c.activation == Activation::relu;
  const ConvOutcome o(c, rung, dtype, device);
  // Rounding may turn a sign at the kink: what was cut off there is read from the result.
  std::vector<double> y = o.y.to_doubles(), dz = o.dy.to_doubles();
  for (std::size_t i = 0; i < dz.size(); ++i)
    if (relu && y[i] <= 0) dz[i] = 0;
  ByDefinition wanted(o.x, o.w, c.bias ? o.b.to_doubles() : std::vector<double>(), dz, c.stride,
                      c.padding);
  for (double& v : wanted.y)
    if (relu && v <= 0) v = 0;
  if (tolerance == 0) tolerance = tolerance_of(dtype);
  CHECK(difference(y, wanted.y, tolerance) == "");
  CHECK(difference(o.gradients[0].to_doubles(), wanted.dx, tolerance) == "");
  CHECK(difference(o.gradients[1].to_doubles(), wanted.dw, tolerance) == "");
  if (c.bias) CHECK(difference(o.gradients[2].to_doubles(), wanted.db, tolerance) == "");
}

void check_moments(const Tensor& y, const Tensor& moments, int64_t slab_rows) {
  const auto v = y.to_doubles(), found = moments.to_doubles();
  const int64_t C = y.dim(-1), rows = y.size() / C;
  REQUIRE(moments.shape() == Shape{ceil_div(rows, slab_rows), 2, C});
  for (int64_t first = 0; first < rows; first += slab_rows)
    for (int64_t c = 0; c < C; ++c) {
      const int64_t last = std::min(first + slab_rows, rows);
      double mean = 0, squares = 0;
      for (int64_t i = first; i < last; ++i)
        mean += v[std::size_t(i * C + c)] / double(last - first);
      for (int64_t i = first; i < last; ++i)
        squares += std::pow(v[std::size_t(i * C + c)] - mean, 2);
      const double deviation = std::sqrt(squares / double(last - first));
      const auto at = std::size_t(first / slab_rows * 2 * C + c);
      const double off = std::fabs(found[at] - mean);
      const double wrong = std::fabs(found[at + std::size_t(C)] - squares);
      // As a comparison that NaN fails.
      const bool right = off <= 3e-7 * (std::fabs(mean) + deviation) &&
                         wrong <= squares * (1e-6 + 1e-7 * std::fabs(mean) / (deviation + 1e-30));
      if (!right)
        FAIL("rows from " << first << ", channel " << c << ": " << found[at] << ", "
                          << found[at + std::size_t(C)] << " for " << mean << ", " << squares);
    }
}

}  // namespace tweed
