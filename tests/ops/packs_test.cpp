// Kernels that have a second form for a GPU, in packs of 16 bytes, against the one form that `cpu`
// has: with rows of whole packs, with others, and with images whose borders cut cells and windows.
#include "autograd/attention.h"
#include "autograd/norm.h"
#include "autograd/pool.h"
#include "tests/catch.h"
#include "tests/support.h"

namespace tweed {
namespace {

// f(x) and its gradients by the inputs through a random cotangent, on a device.
template <class F>
std::vector<Tensor> results(F f, const std::vector<Shape>& shapes, DType dtype, Device device) {
  std::vector<Tensor> leaves;
  for (auto& shape : shapes)
    leaves.push_back(require_grad(random_tensor(shape, dtype, device, leaves.size() + 1)));
  const Tensor y = f(leaves);
  std::vector<Tensor> all = grad_of(y, leaves, false, random_tensor(y.shape(), dtype, device, 99));
  all.push_back(y.detach());
  return all;
}

// That every device gives what `cpu` gives, but for rounding.
template <class F>
void check_like_cpu(F f, const std::vector<Shape>& shapes) {
  for (Device device : test_devices())
    for (DType dtype : {DType::float64, DType::float32, DType::bfloat16}) {
      if (device == Device()) continue;
      INFO(device.name() << " " << name_of(dtype));
      const auto got = results(f, shapes, dtype, device), wanted = results(f, shapes, dtype, {});
      const double tolerance = dtype == DType::float64   ? 1e-13
                               : dtype == DType::float32 ? 1e-5
                                                         : 1.0 / 64;
      for (std::size_t i = 0; i < got.size(); ++i) {
        INFO("result " << i << " of input " << shapes[0].str());
        CHECK(difference(got[i].to_doubles(), wanted[i].to_doubles(), tolerance) == "");
      }
    }
}

}  // namespace

TEST_CASE("max_pool2d's gradient in packs is that of single elements", "[packs]") {
  struct Pool {
    Shape x;
    int64_t kernel;
    PoolOptions options;
  };
  const Pool pools[] = {{{2, 7, 10, 8}, 3, {2, 1}},   {{1, 9, 4, 16}, 3, {2, 0, true}},
                        {{1, 1, 1, 8}, 3, {2, 1}},    {{2, 8, 6, 24}, 2, {2, 0}},
                        {{1, 7, 5, 8}, 2, {2, 1}},    {{1, 8, 11, 8}, 3, {3, 1}},
                        {{1, 6, 6, 12}, 3, {2, 1}},   {{1, 5, 6, 8}, 3, {1, 1}},
                        {{1, 70, 3, 264}, 3, {2, 1}}, {{2, 9, 9, 8}, 5, {4, 2}}};
  for (const Pool& p : pools)
    check_like_cpu([&](auto& in) { return max_pool2d(in[0], p.kernel, p.options); }, {p.x});
}

TEST_CASE("layer_norm in packs is that of single elements", "[packs]") {
  // A warp has four rows, two or one; one pack a thread and four; rows too long for registers.
  for (int64_t C : {8, 24, 192, 256, 264, 384, 512, 520, 768, 1024, 1032, 12})
    for (int64_t rows : {1, 37})
      check_like_cpu([](auto& in) { return layer_norm(in[0], in[1], in[2]); },
                     {{rows, C}, {C}, {C}});
}

TEST_CASE("attention's gradient in packs is that of single elements", "[packs]") {
  for (int64_t D : {8, 16, 48, 64, 128, 20})
    check_like_cpu([](auto& in) { return attention(in[0], 3); }, {{2, 11, 9 * D}});
}

}  // namespace tweed
