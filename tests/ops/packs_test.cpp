// Kernels that have a second form for a GPU, in packs of 16 bytes, against the one form that `cpu`
// has: with rows of whole packs, with others, and with images whose borders cut cells and windows.
#include "autograd/attention.h"
#include "autograd/conv.h"
#include "autograd/elementwise.h"
#include "autograd/functions.h"
#include "autograd/norm.h"
#include "autograd/pool.h"
#include "autograd/reduce.h"
#include "tests/catch.h"
#include "tests/support.h"

namespace tweed {
namespace {

using Doubles = std::vector<double>;

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

TEST_CASE("batch_norm in packs is that of single elements", "[packs]") {
  // Tiles of a few packs, of all threads, and of what is left; blocks with one row and with many.
  for (int64_t C : {8, 24, 264, 2056, 12})
    for (int64_t rows : {5, 37, 300})
      check_like_cpu(
          [](auto& in) { return batch_norm(in[0], in[1], in[2], {}, {}, {.training = true}); },
          {{rows, C}, {C}, {C}});
}

TEST_CASE("batch_norm's statistics are right where one row is far from the others", "[packs]") {
  for (int64_t odd : {0, 1, 150, 299}) {
    Tensor x = random_tensor({300, 8}, DType::float32, {}, 1);
    x.slice(odd, odd + 1).fill(1e4);
    auto normalised = [&](DType dtype, Device device) {
      const Tensor one = Tensor::full({8}, 1, dtype, device),
                   zero = Tensor::zeros({8}, dtype, device);
      return batch_norm(x.to(dtype).to(device), one, zero, {}, {}, {.training = true}).to_doubles();
    };
    const Doubles exact = normalised(DType::float64, {});
    for (Device device : test_devices()) {
      INFO(device.name() << ", row " << odd);
      CHECK(difference(normalised(DType::float32, device), exact, 1e-5) == "");
    }
  }
}

TEST_CASE("sums over columns in packs are those of single elements", "[packs]") {
  struct Folded {
    Shape x;
    std::vector<int> axes;
  };
  // One slab and several; many outer rows, which are not cut; rows wider than a block.
  const Folded all[] = {{{3, 20, 8}, {1}},   {{2, 200, 24}, {1}},  {{300, 50, 8}, {1}},
                        {{2, 7, 2056}, {1}}, {{257, 300, 8}, {1}}, {{40, 24}, {0}}};
  for (const Folded& f : all) check_like_cpu([&](auto& in) { return mean(in[0], f.axes); }, {f.x});
}

TEST_CASE("elements in packs are like single ones, whatever is left over", "[packs]") {
  // Two packs for each thread of a block, less, and elements that make no pack.
  for (int64_t n : {1, 8, 2048, 2056, 4096, 4100, 6151})
    check_like_cpu([](auto& in) { return gelu(in[0]) + in[1]; }, {{n}, {n}});
}

TEST_CASE("attention's gradient in packs is that of single elements", "[packs]") {
  for (int64_t D : {8, 16, 48, 64, 128, 20})
    check_like_cpu([](auto& in) { return attention(in[0], 3); }, {{2, 11, 9 * D}});
}

TEST_CASE("unfold and fold in packs are those of single elements", "[packs]") {
  struct Windows {
    Shape x;
    int64_t kernel, stride, padding;
  };
  // Pixels of whole packs; lines of whole packs, as patches of three channels have; others.
  const Windows all[] = {{{2, 5, 7, 8}, 3, 1, 1},     {{1, 6, 5, 16}, 3, 2, 1},
                         {{2, 4, 6, 8}, 1, 2, 0},     {{1, 7, 6, 24}, 2, 2, 1},
                         {{2, 32, 16, 3}, 16, 16, 0}, {{1, 8, 8, 4}, 4, 2, 2},
                         {{1, 9, 6, 8}, 5, 3, 2},     {{1, 7, 7, 12}, 3, 2, 2},
                         {{0, 4, 4, 8}, 2, 2, 0},     {{1, 3, 9, 8}, 3, 4, 0}};
  for (const Windows& w : all)
    check_like_cpu([&](auto& in) { return unfold(in[0], w.kernel, w.stride, w.padding); }, {w.x});
}

TEST_CASE("a number for each row meets its row in packs as in single elements", "[packs]") {
  for (int64_t length : {8, 24, 264, 5})
    check_like_cpu([](auto& in) { return in[0] * in[1] + in[1]; }, {{3, length, 1}, {3, 1, 1}});
}

// Each convolution packs the images its own way, and keeps them for its weight gradient.
TEST_CASE("convolutions of few channels pack their images, those that share them too", "[packs]") {
  for (int64_t C : {1, 3, 4, 5, 12})
    for (int64_t padding : {0, 1})
      check_like_cpu(
          [=](auto& in) {
            const bool mma = has_tensor_cores(in[0].device()) && in[0].dtype() == DType::bfloat16;
            const ConvAlgorithm* algorithm = mma ? parse_conv_algorithm("mma") : nullptr;
            const auto conv = [&](const Tensor& weight, int64_t border) {
              return conv2d(in[0], weight, {},
                            {.stride = 2, .padding = border, .algorithm = algorithm});
            };
            return conv(in[1], padding + 1) + conv(in[2], padding + 1) + conv(in[3], padding);
          },
          {{2, 12, 11, C}, {40, 5, 5, C}, {40, 5, 5, C}, {40, 3, 3, C}});
}

TEST_CASE("packed images stay with the images while a gradient may need them", "[packs]") {
  for (Device device : test_devices()) {
    if (!has_tensor_cores(device)) continue;
    const ConvOptions options = {
        .stride = 2, .padding = 3, .algorithm = parse_conv_algorithm("mma")};
    const Tensor x = random_tensor({2, 12, 11, 3}, DType::bfloat16, device, 1);
    const Tensor frozen = random_tensor({40, 7, 7, 3}, DType::bfloat16, device, 2);
    const Tensor weight = require_grad(frozen.clone());
    conv2d(x, frozen, {}, options);
    CHECK(!x.annotation());
    {
      NoGrad none;
      conv2d(x, weight, {}, options);
      CHECK(!x.annotation());
    }
    const Tensor y = sum(conv2d(x, weight, {}, options));
    CHECK(x.annotation());
    const Tensor first = grad_of(y, {weight}, true)[0];
    CHECK(same_bits(grad_of(y, {weight})[0], first));  // packed again
    x.fill(0);
    CHECK(!x.annotation());
  }
}

}  // namespace tweed
