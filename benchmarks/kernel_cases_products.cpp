// Matrix products and convolutions, through the functions that users call.
#include "autograd/attention.h"
#include "autograd/conv.h"
#include "autograd/matmul.h"
#include "benchmarks/kernel_cases.h"

namespace tweed::bench {
namespace {

void add_products(std::vector<KernelCase>& cases, const Setting& s) {
  const Device device = s.device;
  for (auto [rows, columns, inner] : {std::array<int64_t, 3>{1024, 1024, 1024}, {2048, 576, 192}}) {
    const int64_t m = s.batch(rows), n = s.side(columns), k = s.side(inner);
    const Tensor a = random_values({m, k}, device, 1), b = random_values({k, n}, device, 2);
    cases.push_back(
        {"matmul " + std::to_string(m) + " x " + std::to_string(k) + " x " + std::to_string(n), 0,
         2.0 * double(m * n * k), "", [=] { matmul(a, b); }});
  }
}

// Forward, and both gradients.
void add_convolutions(std::vector<KernelCase>& cases, const Setting& s) {
  const Device device = s.device;
  struct {
    const char* what;
    int64_t size, in, out, kernel, stride;
  } layers[] = {{"7x7/2 3-64", 128, 3, 64, 7, 2},
                {"1x1 64-256", 32, 64, 256, 1, 1},
                {"3x3 64-64", 32, 64, 64, 3, 1},
                {"3x3 128-128", 16, 128, 128, 3, 1}};
  for (auto& l : layers) {
    const int64_t size = s.side(l.size);
    const Tensor x = require_grad(random_values({s.batch(32), size, size, l.in}, device, 1)),
                 w = require_grad(random_values({l.out, l.kernel, l.kernel, l.in}, device, 2));
    const ConvOptions options{l.stride, l.kernel / 2};
    const Tensor y = conv2d(x, w, {}, options), dy = random_values(y.shape(), device, 3);
    const double flops = 2.0 * double(y.size() * l.kernel * l.kernel * l.in);
    const std::string name = std::string("conv2d ") + l.what;
    cases.push_back({name, 0, flops, "", [=] {
                       NoGrad no_grad;
                       conv2d(x, w, {}, options);
                     }});
    cases.push_back(
        {name + " weights' gradient", 0, flops, "", [=] { grad_of(y, {w}, true, dy); }});
    cases.push_back({name + " input's gradient", 0, flops, "", [=] { grad_of(y, {x}, true, dy); }});
  }
}

// SimpleViT's, forward and backward; backward computes the scores again.
void add_attention(std::vector<KernelCase>& cases, const Setting& s) {
  const Device device = s.device;
  const int64_t N = s.batch(32), L = s.side(64), width = 192, heads = 4;
  const Tensor qkv = require_grad(random_values({N, L, 3 * width}, device, 1)),
               y = attention(qkv, heads), dy = random_values(y.shape(), device, 2);
  const double product = 2.0 * double(N * L * L * width);
  cases.push_back({"attention", 0, 2 * product, "exp", [=] {
                     NoGrad no_grad;
                     attention(qkv, heads);
                   }});
  cases.push_back(
      {"attention backward", 0, 5 * product, "exp", [=] { grad_of(y, {qkv}, true, dy); }});
}

}  // namespace

std::vector<KernelCase> product_cases(const Setting& s) {
  std::vector<KernelCase> cases;
  for (auto add : {add_products, add_convolutions, add_attention}) add(cases, s);
  return cases;
}

}  // namespace tweed::bench
