// What rows of op_cases.h cannot say about pools, moves, products and image operations: special
// values, many threads, large offsets, errors.
#include <sys/mman.h>

#include <cmath>

#include "autograd/elementwise.h"
#include "autograd/graph_stats.h"
#include "autograd/image_ops.h"
#include "autograd/matmul.h"
#include "autograd/pool.h"
#include "autograd/reduce.h"
#include "kernels/rearrange.h"
#include "nn/layers.h"
#include "tests/catch.h"
#include "tests/ops/on_all.h"

namespace tweed {
namespace {

using Doubles = std::vector<double>;
const double nan = NAN, inf = INFINITY;

}  // namespace

TEST_CASE("pools, moves and image operations pass NaN and infinity as PyTorch does", "[ops]") {
  for (Device device : test_devices())
    for (DType dtype : {DType::float64, DType::float32, DType::bfloat16}) {
      INFO(device.name() << " " << name_of(dtype));
      auto images = [&](const Doubles& v, int64_t h, int64_t w) {
        return Tensor::from(v, {1, h, w, 1}).to(dtype).to(device);
      };
      const Tensor row = images({1, nan, 3, inf, -inf}, 1, 5);
      CHECK(difference(max_pool2d(row, 2, {2, 1, true}).to_doubles(), {1, nan, inf}, 0) == "");
      CHECK(difference(adaptive_avg_pool2d(row, 1, 3).to_doubles(), {nan, nan, nan}, 0) == "");
      CHECK(difference(avg_pool2d(images({inf, 1, 2, 4}, 2, 2), 1).to_doubles(), {inf, 1, 2, 4},
                       0) == "");
      CHECK(difference(pad(row, {{0, 0}, {0, 0}, {0, 1}, {0, 0}}, nan).to_doubles(),
                       {1, nan, 3, inf, -inf, nan}, 0) == "");
      CHECK(difference(flip(row, 2).to_doubles(), {-inf, inf, 3, nan, 1}, 0) == "");
      // A weight of zero does not hide infinity.
      CHECK(difference(resize_bilinear(images({1, inf}, 1, 2), 1, 4).to_doubles(),
                       {nan, nan, nan, nan}, 0) == "");
      CHECK(difference(rotate(images({1, 2, inf}, 1, 3), 0).to_doubles(), {1, nan, inf}, 0) == "");
      CHECK(difference(grey(Tensor::from(Doubles{1, nan, 2}, {1, 1, 1, 3}).to(dtype).to(device))
                           .to_doubles(),
                       {nan, nan, nan}, 0) == "");
    }
}

TEST_CASE("the gradient of gathered rows adds up in the order of the copies", "[ops]") {
  for (Device device : test_devices()) {
    Tensor x = require_grad(Tensor::zeros({2, 1}, DType::float32, device));
    const std::vector<int32_t> at = {1, 0, 1, 1, 1, 1, 1};
    Tensor y = gather_rows(x, Tensor::from(at, {7}, device));
    // 2^26 takes 6 for 8, but swallows less than 4: backwards the sum would be 2^26.
    const std::vector<float> dy = {3, 5, 3, 0x1p26f, 1, 1, 1};
    const Tensor dx = grad_of(y, {x}, false, Tensor::from(dy, {7, 1}, device))[0];
    CHECK(difference(dx.to_doubles(), {5, 0x1p26 + 8}, 0) == "");
  }
}

TEST_CASE("work for many threads has the same bits for any number of them", "[ops]") {
  auto everything = [] {
    Tensor x = require_grad(random_tensor({6, 35, 33, 67}, DType::float32, {}, 1));
    Tensor a = require_grad(random_tensor({40, 30, 50}, DType::float32, {}, 2));
    std::vector<int32_t> at;
    for (int i = 0; i < 5000; ++i) at.push_back(i * i % 39);
    const Tensor rows = gather_rows(a, Tensor::from(at, {5000}));
    Tensor y = resize_bilinear(rotate(x, 20), 40, 30);
    y = avg_pool2d(y, 3, {2, 1, true, false}) + adaptive_avg_pool2d(y, 21, 16);
    y = flip(permute(pad(y, {{0, 0}, {1, 0}, {0, 2}, {0, 0}}), {0, 3, 2, 1}), 2);
    const Tensor product = matmul(a, a, {.transpose_b = true});
    const Tensor loss = sum(y * y) + sum(product * product) + sum(rows * rows);
    std::vector<Tensor> results = grad_of(loss, {x, a});
    results.insert(results.end(), {loss, y, rows, product});
    return results;
  };
  check_any_threads(everything);
}

TEST_CASE("large permutations put every element in its place", "[ops]") {
  // Of integers, so that each element is known; several tiles and threads, the last ones not full.
  const Shape shape = {3, 70, 131, 5};
  Doubles values(std::size_t(shape.size()));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = double(i);
  const Tensor x = Tensor::from(values, shape).to(DType::float32);
  for (auto& axes : {std::vector<int>{0, 3, 1, 2}, {2, 1, 0, 3}, {3, 2, 1, 0}, {0, 2, 1, 3}}) {
    const Tensor y = permute(x, axes);
    int64_t stride[4] = {};
    for (int k = 0; k < 4; ++k) stride[k] = shape.product(axes[std::size_t(k)] + 1, 4);
    Doubles wanted;
    for (int64_t a = 0; a < y.dim(0); ++a)
      for (int64_t b = 0; b < y.dim(1); ++b)
        for (int64_t c = 0; c < y.dim(2); ++c)
          for (int64_t d = 0; d < y.dim(3); ++d)
            wanted.push_back(double(a * stride[0] + b * stride[1] + c * stride[2] + d * stride[3]));
    CHECK(difference(y.to_doubles(), wanted, 0) == "");
  }
}

TEST_CASE("a copy from beyond 2^31 elements", "[kernels]") {
  // Untouched pages are all the same page of zeros: 4 GB of addresses, hardly any memory.
  const int64_t width = (int64_t(1) << 31) + 12345;
  const std::size_t bytes = std::size_t(2 * width);
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  REQUIRE(memory != MAP_FAILED);
  uint8_t* x = static_cast<uint8_t*>(memory);
  x[width - 1] = 3;
  x[2 * width - 2] = 5;
  StridedCopy copy;
  copy.x_offset = width - 2;
  copy.add({2, width, 2});
  copy.add({2, 1, 1});
  std::vector<uint8_t> y(4);
  copy_strided(cpu_machine(), copy, Span<const uint8_t>(x, 2 * width), Span<uint8_t>(y));
  CHECK(y == std::vector<uint8_t>{0, 3, 5, 0});
  munmap(memory, bytes);
}

TEST_CASE("wrong arguments of pools, moves, products and image operations are named", "[ops]") {
  const Tensor x = Tensor::zeros({2, 4}), image = Tensor::zeros({1, 4, 4, 2});
  CHECK_THROWS_WITH(avg_pool2d(image, 7, {2, 0, true}),
                    Contains("[avg_pool2d] a window of 7 does not fit (1, 4, 4, 2)"));
  CHECK_THROWS_WITH(avg_pool2d(image, 2, {-1}), Contains("stride -1"));
  CHECK_THROWS_WITH(adaptive_avg_pool2d(image, 0, 2),
                    Contains("[adaptive_avg_pool2d] (1, 4, 4, 2) to 0 x 2"));
  CHECK_THROWS_WITH(adaptive_avg_pool2d(x, 1, 1), Contains("(N, H, W, C)"));
  CHECK_THROWS_WITH(permute(image, {0, 2, 2, 1}),
                    Contains("[permute] axes {0, 2, 2, 1} of (1, 4, 4, 2)"));
  CHECK_THROWS_WITH(permute(x, {0}), Contains("[permute] axes {0} of (2, 4)"));
  CHECK_THROWS_WITH(permute(x, {0, 2}), Contains("{0, 2}"));
  CHECK_THROWS_WITH(slice(x, 1, 2, 5), Contains("[slice] 2 to 5 along axis 1 of (2, 4)"));
  CHECK_THROWS_WITH(slice(x, 1, 2, 1), Contains("2 to 1"));
  CHECK_THROWS_WITH(slice(x, -3, 0, 1), Contains("[slice] axis -3 of (2, 4)"));
  CHECK_THROWS_WITH(split(x, {2, 3}, 1), Contains("[split] sizes {2, 3} along axis 1 of (2, 4)"));
  CHECK_THROWS_WITH(split(x, {5, -1}, 1), Contains("{5, -1}"));
  CHECK_THROWS_WITH(pad(x, {{0, 0}, {1, -1}}), Contains("[pad] amounts {{0, 0}, {1, -1}} for"));
  CHECK_THROWS_WITH(pad(x, {{0, 0}}), Contains("(2, 4)"));
  CHECK_THROWS_WITH(flip(x, 2), Contains("[flip] axis 2 of (2, 4)"));
  CHECK_THROWS_WITH(concat({x, x}, 2), Contains("[concat] axis 2 of (2, 4)"));
  CHECK_THROWS_WITH(gather_rows(x, Tensor::from(std::vector<int32_t>{0, 2}, {2})),
                    Contains("[gather_rows] index 2 at 1 is out of range for 2 rows"));
  CHECK_THROWS_WITH(gather_rows(x, Tensor::from(std::vector<int32_t>{-1}, {1})),
                    Contains("index -1 at 0"));
  CHECK_THROWS_WITH(gather_rows(x, x), Contains("indexes are float32 (2, 4)"));
  CHECK_THROWS_WITH(matmul(x, x), Contains("[matmul] a is (2, 4), b is (2, 4)"));
  CHECK_THROWS_WITH(matmul(x, x, {true, true}),
                    Contains("a is (2, 4) transposed, b is (2, 4) transposed"));
  CHECK_THROWS_WITH(matmul(image, image), Contains("b is (1, 4, 4, 2)"));
  CHECK_THROWS_WITH(resize_bilinear(image, 0, 4),
                    Contains("[resize_bilinear] (1, 4, 4, 2) to 0 x 4"));
  CHECK_THROWS_WITH(crop(image, 3, 0, 2, 2), Contains("[crop] 2 x 2 at (3, 0) of (1, 4, 4, 2)"));
  CHECK_THROWS_WITH(rotate(x, 10), Contains("[rotate] needs (N, H, W, C)"));
  CHECK_THROWS_WITH(rotate(image, nan), Contains("[rotate] by nan degrees"));
  CHECK_THROWS_WITH(grey(image), Contains("[grey] needs 3 channels, x is (1, 4, 4, 2)"));
}

TEST_CASE("pooling layers pass their options on", "[nn]") {
  Tensor x = random_tensor({1, 6, 6, 2});
  MaxPool2d largest(3, {.stride = 2, .ceil_mode = true});
  CHECK(same_bits(largest(x), max_pool2d(x, 3, {2, 0, true})));
  CHECK(largest.description() == "MaxPool2d(3, stride 2, padding 0, ceil mode)");
  AvgPool2d average(3, {2, 1, true, false});
  CHECK(same_bits(average(x), avg_pool2d(x, 3, {2, 1, true, false})));
  CHECK(average.description() ==
        "AvgPool2d(3, stride 2, padding 1, ceil mode, padding not counted)");
  CHECK(AvgPool2d(2).description() == "AvgPool2d(2, stride 2, padding 0)");
  AdaptiveAvgPool2d adaptive(2, 3);
  CHECK(same_bits(adaptive(x), adaptive_avg_pool2d(x, 2, 3)));
  CHECK(adaptive.description() == "AdaptiveAvgPool2d(2, 3)");
}

TEST_CASE("any number of tensors is put together, and each gets its gradient", "[ops]") {
  for (const int64_t count : {1, 64, 65, 200}) {
    std::vector<Tensor> parts;
    std::vector<double> wanted;
    for (int64_t i = 0; i < count; ++i) {
      parts.push_back(Tensor::full({2}, double(i)));
      require_grad(parts.back());
      wanted.insert(wanted.end(), 2, double(i));
    }
    const Tensor y = concat(parts, 0);
    CHECK(y.to_doubles() == wanted);
    backward(sum(y * y));
    for (int64_t i = 0; i < count; ++i)
      CHECK(grad(parts[std::size_t(i)]).to_doubles() == std::vector<double>(2, 2. * double(i)));
  }
  CHECK_THROWS_WITH(concat({}, 0), Contains("[concat] takes a tensor or more"));
  // The sizes of its inputs are part of the record, not a tensor that it saves.
  const Tensor x = require_grad(Tensor::zeros({2, 3}));
  CHECK(graph_stats(concat({x, x}, 1)).saved_bytes == 0);
}

}  // namespace tweed
