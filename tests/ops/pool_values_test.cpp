// Pools: special values, ties, many taps, sequences, threads, errors; the layers.
#include <cmath>

#include "autograd/elementwise.h"
#include "autograd/functions.h"
#include "autograd/pool.h"
#include "autograd/reduce.h"
#include "autograd/shape_ops.h"
#include "nn/layers.h"
#include "nn/receptive_field.h"
#include "nn/resample_layers.h"
#include "tests/catch.h"
#include "tests/ops/on_all.h"

namespace tweed {
namespace {

using Doubles = std::vector<double>;
const double nan = NAN, inf = INFINITY;

// A column or row of pixels of one channel.
Tensor pixels(const Doubles& v, int64_t H, int64_t W, DType dtype, Device device) {
  return Tensor::from(v, {1, H, W, 1}).to(dtype).to(device);
}

}  // namespace

TEST_CASE("max pools of any window pass NaN, begin at minus infinity, take the first of equals") {
  on_all([](Device device, DType dtype) {
    auto run = [&](const Doubles& v, Pair kernel, const PoolOptions& options) {
      const Tensor x = require_grad(pixels(v, 1, int64_t(v.size()), dtype, device));
      const Tensor y = max_pool2d(x, kernel, options);
      Doubles all = y.to_doubles();
      for (double d : grad_of(sum(y), {x})[0].to_doubles()) all.push_back(d);
      return all;
    };
    // y, then dx.
    CHECK(difference(run({1, nan, 2, 3}, {1, 2}, {}), {nan, 3, 0, 1, 0, 1}, 0) == "");
    CHECK(difference(run({-inf, -inf, 5, 5}, {1, 2}, {}), {-inf, 5, 1, 0, 1, 0}, 0) == "");
    CHECK(
        difference(run({1, 4, 4, 1}, {1, 3}, {.stride = 1, .padding = {0, 1}, .dilation = {1, 2}}),
                   {4, 4, 0, 1, 1, 0}, 0) == "");
    // No tap inside: nothing has won.
    CHECK(difference(run({7, 8}, {1, 2}, {.stride = 1, .padding = {0, 2}, .dilation = {1, 4}}),
                     {-inf, -inf, 0, 0}, 0) == "");
    // 300 taps: the winner's number is beyond a byte.
    Doubles many(300, 1), wanted(301, 0);
    many[290] = many[295] = 2;
    wanted[0] = 2, wanted[291] = 1;
    CHECK(difference(run(many, {1, 300}, {}), wanted, 0) == "");
  });
}

TEST_CASE("adaptive and global max pools pass NaN and take the first of equals") {
  on_all([](Device device, DType dtype) {
    const Tensor x = require_grad(pixels({1, 3, 3, nan, -inf, -inf}, 3, 2, dtype, device));
    const Tensor y = adaptive_max_pool2d(x, 2, 1);
    CHECK(difference(y.to_doubles(), {nan, nan}, 0) == "");
    CHECK(difference(grad_of(sum(y), {x})[0].to_doubles(), {0, 0, 0, 2, 0, 0}, 0) == "");
    const Tensor z = require_grad(pixels({1, 3, 3, -inf}, 2, 2, dtype, device));
    const Tensor largest = global_max_pool(z);
    CHECK(largest.shape() == Shape{1, 1});
    CHECK(largest.to_doubles() == Doubles{3});
    CHECK(grad_of(sum(largest), {z})[0].to_doubles() == Doubles{0, 1, 0, 0});
  });
}

TEST_CASE("a max pool's ReLU is one before or behind it, and its gradient, bit by bit") {
  struct Row {
    int64_t channels;
    Pair kernel;
    PoolOptions options;
  };
  const Row rows[] = {{3, 2, {.stride = 2}},
                      {8, 3, {.stride = 2, .padding = 1}},
                      {40, 3, {.stride = 3}},
                      {8, 3, {.stride = 1, .padding = 1}},
                      {4, 4, {.stride = 2}},
                      {4, {2, 3}, {.stride = 1, .dilation = {2, 1}}},
                      {2, {12, 11}, {.stride = 1, .padding = {3, 2}}}};
  on_all([&](Device device, DType dtype) {
    for (auto& row : rows) {
      CAPTURE(row.channels, row.kernel.str(), device.name(), name_of(dtype));
      // Most of it is negative, some is NaN, and small whole numbers are often equal.
      Doubles v = random_tensor({2, 12, 11, row.channels}).to_doubles();
      for (double& d : v) d = std::floor(4 * d) - 2;
      for (std::size_t i = 5; i < v.size(); i += 97) v[i] = nan;
      const Tensor x =
          require_grad(Tensor::from(v, {2, 12, 11, row.channels}).to(dtype).to(device));
      PoolOptions with_relu = row.options;
      with_relu.activation = Activation::relu;
      const Tensor y = max_pool2d(x, row.kernel, with_relu);
      const Tensor dy = random_tensor(y.shape(), dtype, device);
      const Tensor dx = grad_of(sum(y * dy), {x})[0];
      for (const Tensor& wanted : {max_pool2d(relu(x), row.kernel, row.options),
                                   relu(max_pool2d(x, row.kernel, row.options))}) {
        CHECK(difference(y.to_doubles(), wanted.to_doubles(), 0) == "");
        const Tensor wanted_dx = grad_of(sum(wanted * dy), {x})[0];
        CHECK(difference(dx.to_doubles(), wanted_dx.to_doubles(), 0) == "");
      }
    }
    // No tap inside is minus infinity, of which nothing is positive.
    const Tensor two = pixels({7, 8}, 1, 2, dtype, device);
    CHECK(max_pool2d(
              two, {1, 2},
              {.stride = 1, .padding = {0, 2}, .dilation = {1, 4}, .activation = Activation::relu})
              .to_doubles() == Doubles{0, 0});
  });
}

TEST_CASE("a rectangle of equal sides is the square, bit by bit") {
  on_all([](Device device, DType dtype) {
    for (int64_t kernel : {2, 3, 4}) {
      const Tensor x = random_tensor({2, 9, 8, 8}, dtype, device);
      CHECK(
          same_bits(max_pool2d(x, kernel, {.stride = 2, .padding = 1}),
                    max_pool2d(x, {kernel, kernel}, {.stride = {2, 2}, .padding = {1, 1, 1, 1}})));
      // The other kernel computes the same maxima: the dilation of a single row changes nothing.
      const Tensor line = random_tensor({2, 1, 8, 8}, dtype, device);
      CHECK(same_bits(max_pool2d(line, {1, kernel}, {.dilation = {5, 1}}),
                      max_pool1d(line.reshape({2, 8, 8}), kernel).reshape({2, 1, 8 / kernel, 8})));
    }
  });
}

TEST_CASE("pools of any windows have the same bits for any number of threads") {
  check_any_threads([] {
    const Tensor x = require_grad(random_tensor({3, 21, 33, 5}));
    Tensor y = max_pool2d(x, {3, 2}, {.stride = {2, 1}, .padding = {1, 0}, .dilation = {2, 3}});
    y = avg_pool2d(y, {2, 3}, {.stride = 1, .padding = {1, 0, 0, 1}});
    const Tensor loss = sum(y * y) + sum(global_max_pool(x)) + sum(adaptive_max_pool2d(x, 5, 4));
    return std::vector<Tensor>{loss, y, grad_of(loss, {x})[0]};
  });
}

TEST_CASE("pools say what is wrong with their arguments") {
  const Tensor x = Tensor::zeros({1, 4, 6, 2});
  CHECK_THROWS_WITH(max_pool2d(x, {5, 2}),
                    "[max_pool2d] a window of 5 x 2 does not fit (1, 4, 6, 2) with padding 0");
  CHECK_THROWS_WITH(
      max_pool2d(x, 3, {.padding = {1, 0}, .dilation = 3}),
      "[max_pool2d] a window of 3, dilation 3 does not fit (1, 4, 6, 2) with padding 1 x 0");
  CHECK_THROWS_WITH(max_pool2d(x, {2, 3}, {.stride = {1, 2}, .padding = {2, 0, 0, 0}}),
                    "[max_pool2d] kernel 2 x 3, stride 1 x 2, padding 2, 0, 0, 0");
  CHECK_THROWS_WITH(max_pool2d(x, 2, {.dilation = 0}),
                    "[max_pool2d] kernel 2, stride 0, padding 0, dilation 0");
  CHECK_THROWS_WITH(avg_pool2d(x, 3, {.padding = {2, 1, 2, 1}}),
                    "[avg_pool2d] kernel 3, stride 0, padding 2 x 1");
  CHECK_THROWS_WITH(adaptive_max_pool2d(x, 0, 2), "[adaptive_max_pool2d] (1, 4, 6, 2) to 0 x 2");
  CHECK_THROWS_WITH(global_max_pool(Tensor::zeros({4, 6})),
                    "[global_max_pool] needs (N, H, W, C), x is (4, 6)");
  CHECK_THROWS_WITH(global_max_pool(Tensor::zeros({1, 0, 6, 2})),
                    Contains("(1, 0, 6, 2) to 1 x 1"));
  CHECK_THROWS_WITH(max_pool1d(x, 2), "[max_pool1d] needs (N, L, C), x is (1, 4, 6, 2)");
  CHECK_THROWS_WITH(avg_pool1d(Tensor::zeros({2, 3, 1}), 4), Contains("a window of 1 x 4"));
}

TEST_CASE("pools as layers") {
  const Tensor x = random_tensor({2, 9, 8, 3}), sequence = random_tensor({2, 9, 3});
  const PoolOptions options = {.stride = {2, 1}, .padding = {0, 1, 1, 0}, .dilation = {1, 2}};
  MaxPool2d largest({3, 2}, options);
  CHECK(same_bits(largest(x), max_pool2d(x, {3, 2}, options)));
  CHECK(largest.description() ==
        "MaxPool2d(3 x 2, stride 2 x 1, padding 0, 1, 1, 0, dilation 1 x 2)");
  AvgPool2d mean({1, 2});
  CHECK(same_bits(mean(x), avg_pool2d(x, {1, 2})));
  CHECK(mean.description() == "AvgPool2d(1 x 2, stride 1 x 2, padding 0)");
  AdaptiveMaxPool2d adaptive({2, 3});
  CHECK(same_bits(adaptive(x), adaptive_max_pool2d(x, 2, 3)));
  CHECK(adaptive.description() == "AdaptiveMaxPool2d(2, 3)");
  GlobalMaxPool global;
  CHECK(same_bits(global(x), max(x, {1, 2})));
  MaxPool1d line(3, {.stride = 2, .dilation = 2});
  CHECK(same_bits(line(sequence), max_pool1d(sequence, 3, {.stride = 2, .dilation = 2})));
  CHECK(line.description() == "MaxPool1d(3, stride 2, padding 0, dilation 2)");
  AvgPool1d mean_of_line(3, {.count_include_pad = false});
  CHECK(same_bits(mean_of_line(sequence), avg_pool1d(sequence, 3)));
  CHECK(mean_of_line.description() == "AvgPool1d(3, stride 3, padding 0, padding not counted)");
  AdaptiveAvgPool1d to_two(2);
  CHECK(same_bits(to_two(sequence), adaptive_avg_pool1d(sequence, 2)));
  CHECK(to_two.description() == "AdaptiveAvgPool1d(2)");
}

TEST_CASE("the receptive field of a pool is the larger side of its windows") {
  Sequential network{MaxPool2d({3, 2}, {.stride = {1, 2}, .dilation = {2, 1}}), AvgPool2d(2),
                     AdaptiveAvgPool2d(2, 2)};
  const auto fields = receptive_fields(network, {1, 16, 16, 3});
  CHECK(fields.at("0").side == 5);
  CHECK(fields.at("1").side == 6);
  CHECK(fields.at("1").stride == 4);
  CHECK(!fields.at("1").whole);
  CHECK(fields.at("2").whole);
  Sequential borders{Pad2d(1, PadMode::reflect), Pad2d(1, PadMode::circular)};
  const auto bordered = receptive_fields(borders, {1, 16, 16, 3});
  CHECK(!bordered.at("0").whole);
  CHECK(bordered.at("1").whole);
}

}  // namespace tweed
