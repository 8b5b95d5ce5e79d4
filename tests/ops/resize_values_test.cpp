// Resizing and borders: special values, exact copies, recorded steps, threads, errors; the layers.
#include <cmath>

#include "autograd/elementwise.h"
#include "autograd/image_ops.h"
#include "autograd/pool.h"
#include "autograd/reduce.h"
#include "nn/resample_layers.h"
#include "tensor/replay.h"
#include "tests/catch.h"
#include "tests/ops/on_all.h"

namespace tweed {
namespace {

using Doubles = std::vector<double>;
const double nan = NAN, inf = INFINITY;

Tensor line(const Doubles& v, DType dtype, Device device) {
  return Tensor::from(v, {1, 1, int64_t(v.size()), 1}).to(dtype).to(device);
}

}  // namespace

TEST_CASE("resizing by copies keeps every value, NaN and infinity too") {
  on_all([](Device device, DType dtype) {
    const Tensor x = require_grad(line({1, nan, -inf}, dtype, device));
    const Tensor y = resize_nearest(x, 2, 6);
    CHECK(difference(y.to_doubles(), {1, 1, nan, nan, -inf, -inf, 1, 1, nan, nan, -inf, -inf}, 0) ==
          "");
    CHECK(grad_of(sum(y), {x})[0].to_doubles() == Doubles{4, 4, 4});
    const Tensor smaller = resize_nearest(x, 1, 2);
    CHECK(difference(smaller.to_doubles(), {1, nan}, 0) == "");
    CHECK(grad_of(sum(smaller), {x})[0].to_doubles() == Doubles{1, 1, 0});
    CHECK(difference(resize_nearest(x, 1, 2, {.exact = true}).to_doubles(), {1, -inf}, 0) == "");
  });
}

TEST_CASE("filters leave constants alone, and spread NaN as far as they reach") {
  on_all([](Device device, DType dtype) {
    const Tensor flat = Tensor::full({1, 7, 9, 4}, 0.75, dtype, device);
    for (bool antialias : {false, true})
      for (int64_t size : {1, 3, 20}) {
        const ResizeOptions options = {.antialias = antialias};
        const Doubles wanted(std::size_t(size * size * 4), 0.75);
        const double tolerance = dtype == DType::bfloat16 ? 4e-3 : 1e-6;
        CHECK(difference(resize_bilinear(flat, size, size, options).to_doubles(), wanted,
                         tolerance) == "");
        CHECK(difference(resize_bicubic(flat, size, size, options).to_doubles(), wanted,
                         tolerance) == "");
      }
    // Of six pixels, cubic interpolation to twelve reads four, two on each side.
    const Doubles y = resize_bicubic(line({0, 0, 0, 0, nan, 0}, dtype, device), 1, 12).to_doubles();
    for (std::size_t o = 0; o < y.size(); ++o) CHECK(std::isnan(y[o]) == (o >= 5));
    // A gradient of NaN reaches the pixels that have a part in the place.
    const Tensor x = require_grad(line({1, 2, 3, 4}, dtype, device));
    const Tensor halved = resize_bilinear(x, 1, 2, {.antialias = true});
    const Doubles dx = grad_of(halved, {x}, false, line({nan, 1}, dtype, device))[0].to_doubles();
    CHECK(std::isnan(dx[0]));
    CHECK(std::isnan(dx[2]));
    CHECK(!std::isnan(dx[3]));
  });
}

TEST_CASE("corners that are aligned stay") {
  on_all([](Device device, DType dtype) {
    const Tensor x = line({2, 8, 4}, dtype, device);
    for (int64_t width : {2, 5, 7}) {
      for (bool cubic : {false, true}) {
        const ResizeOptions options = {.align_corners = true};
        const Tensor y =
            cubic ? resize_bicubic(x, 1, width, options) : resize_bilinear(x, 1, width, options);
        CHECK(y.to_doubles().front() == 2);
        CHECK(y.to_doubles().back() == 4);
      }
    }
  });
}

TEST_CASE("borders show special values, and add up the gradients of all that show an element") {
  on_all([](Device device, DType dtype) {
    auto run = [&](const PadAmounts& amounts, PadMode mode) {
      const Tensor x = require_grad(Tensor::from(Doubles{1, inf, nan}, {3}).to(dtype).to(device));
      const Tensor y = pad(x, amounts, mode);
      Doubles all = y.to_doubles();
      for (double d : grad_of(sum(y), {x})[0].to_doubles()) all.push_back(d);
      return all;
    };
    CHECK(difference(run({{2, 1}}, PadMode::reflect), {nan, inf, 1, inf, nan, inf, 1, 3, 2}, 0) ==
          "");
    CHECK(difference(run({{2, 1}}, PadMode::replicate), {1, 1, 1, inf, nan, nan, 3, 1, 2}, 0) ==
          "");
    CHECK(difference(run({{2, 1}}, PadMode::circular), {inf, nan, 1, inf, nan, 1, 2, 2, 2}, 0) ==
          "");
    CHECK(difference(run({{0, 0}}, PadMode::reflect), {1, inf, nan, 1, 1, 1}, 0) == "");
    CHECK(difference(run({{1, 0}}, PadMode::constant), {0, 1, inf, nan, 1, 1, 1}, 0) == "");
  });
}

TEST_CASE("resizing and borders have the same bits for any number of threads") {
  check_any_threads([] {
    const Tensor x = require_grad(random_tensor({3, 31, 23, 5}));
    Tensor y = resize_bicubic(x, 40, 17, {.antialias = true});
    y = resize_bilinear(y, 33, 30, {.align_corners = true});
    y = resize_nearest(pad(y, {{0, 0}, {3, 4}, {5, 0}, {0, 1}}, PadMode::reflect), 50, 29);
    const Tensor loss = sum(y * y);
    return std::vector<Tensor>{loss, y, grad_of(loss, {x})[0]};
  });
}

TEST_CASE("resizing, borders and pools can be recorded, with their gradients") {
  on_all([](Device device, DType dtype) {
    const Tensor in = Tensor::zeros({1, 6, 5, 3}, dtype, device), dx = Tensor::zeros_like(in);
    const Tensor y = Tensor::zeros({1, 3, 4, 3}, dtype, device);
    auto work = [&] {
      const Tensor x = require_grad(in.clone());
      const Tensor wide = pad(resize_bicubic(x, 4, 9, {.antialias = true}),
                              {{0, 0}, {1, 0}, {0, 2}, {0, 0}}, PadMode::reflect);
      const Tensor result = adaptive_max_pool2d(wide, 3, 4);
      y.copy_from(result);
      dx.copy_from(grad_of(sum(result * result), {x})[0]);
    };
    Replay step(device, work);
    for (uint64_t seed : {1, 2, 3, 4, 5}) {
      in.copy_from(random_tensor(in.shape(), dtype, device, seed));
      step();
      const Tensor recorded_y = y.clone(), recorded_dx = dx.clone();
      work();
      CHECK(same_bits(recorded_y, y));
      CHECK(same_bits(recorded_dx, dx));
    }
  });
}

TEST_CASE("resizing and borders say what is wrong with their arguments") {
  const Tensor x = Tensor::zeros({1, 4, 6, 2});
  CHECK_THROWS_WITH(resize_bicubic(x, 0, 2), "[resize_bicubic] (1, 4, 6, 2) to 0 x 2");
  CHECK_THROWS_WITH(resize_nearest(Tensor::zeros({4, 6}), 1, 2),
                    "[resize_nearest] needs (N, H, W, C), x is (4, 6)");
  CHECK_THROWS_WITH(resize_bilinear(x, 2, 2, {.factor = {-1, 2}}),
                    "[resize_bilinear] factor -1 x 2");
  CHECK_THROWS_WITH(resize_nearest(Tensor::zeros({1, 0, 6, 2}), 1, 2), Contains("(1, 0, 6, 2) to"));
  CHECK_THROWS_WITH(
      pad(x, {{0, 0}, {4, 0}, {0, 0}, {0, 0}}, PadMode::reflect),
      "[pad] amounts {{0, 0}, {4, 0}, {0, 0}, {0, 0}} for (1, 4, 6, 2): reflect takes "
      "at most 3 along axis 1");
  CHECK_THROWS_WITH(pad(x, {{0, 0}, {0, 0}, {0, 7}, {0, 0}}, PadMode::circular),
                    Contains("circular takes at most 6 along axis 2"));
  CHECK_THROWS_WITH(pad(Tensor::zeros({0, 2}), {{1, 0}, {0, 0}}, PadMode::replicate),
                    Contains("replicate takes at most 0 along axis 0"));
  CHECK_THROWS_WITH(pad(x, {{0, 0}}, PadMode::reflect), "[pad] amounts {{0, 0}} for (1, 4, 6, 2)");
  CHECK_THROWS_WITH(pad(Tensor::zeros({2}), {{-1, 0}}, PadMode::replicate),
                    "[pad] amounts {{-1, 0}} for (2)");
}

TEST_CASE("Upsample and Pad2d as layers") {
  const Tensor x = random_tensor({2, 5, 6, 3});
  Upsample twice(2);
  CHECK(same_bits(twice(x), resize_nearest(x, 10, 12)));
  CHECK(twice.description() == "Upsample(by 2, nearest)");
  Upsample by({1.7, 0.6}, {.mode = Interpolation::bilinear});
  CHECK(same_bits(by(x), resize_bilinear(x, 8, 3, {.factor = {1.7, 0.6}})));
  CHECK(by.description() == "Upsample(by 1.7 x 0.6, bilinear)");
  Upsample to = Upsample::to({4, 9}, {.mode = Interpolation::bicubic, .align_corners = true});
  CHECK(same_bits(to(x), resize_bicubic(x, 4, 9, {.align_corners = true})));
  CHECK(to.description() == "Upsample(to 4 x 9, bicubic, corners aligned)");
  Upsample exact = Upsample::to(3, {.mode = Interpolation::nearest_exact});
  CHECK(same_bits(exact(x), resize_nearest(x, 3, 3, {.exact = true})));
  CHECK_THROWS_WITH(Upsample(0), "[upsample] factor 0 x 0");
  CHECK_THROWS_WITH(Upsample::to(0), "[upsample] to 0 x 0");
  CHECK_THROWS_WITH(Upsample(2, {.align_corners = true}),
                    "[upsample] align_corners is for bilinear and bicubic alone");
  CHECK_THROWS_WITH(Upsample(0.1)(x), "[resize_nearest] (2, 5, 6, 3) to 0 x 0");

  Pad2d mirrored({1, 2, 3, 0}, PadMode::reflect);
  CHECK(same_bits(mirrored(x), pad(x, {{0, 0}, {1, 3}, {2, 0}, {0, 0}}, PadMode::reflect)));
  CHECK(mirrored.description() == "ReflectionPad2d(1, 2, 3, 0)");
  Pad2d constant(1, -2.5);
  CHECK(same_bits(constant(x), pad(x, {{0, 0}, {1, 1}, {1, 1}, {0, 0}}, -2.5)));
  CHECK(constant.description() == "ConstantPad2d(1, value -2.5)");
}

}  // namespace tweed
