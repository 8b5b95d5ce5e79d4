// The rungs that `cpu` has of its own: against the definition, for every instruction set, the same
// bits for any number of threads.
#include <cmath>

#include "kernels/conv/direct.h"
#include "kernels/conv/onednn.h"
#include "kernels/conv/register_tile.h"
#include "tests/catch.h"
#include "tests/ops/conv_support.h"
#include "tests/ops/on_all.h"
#include "tests/support.h"

namespace tweed {
namespace {

// The instruction sets of this processor, each for the length of f().
template <class F>
void for_simd_levels(F f) {
  const SimdLevel before = simd_level();
  for (SimdLevel level : {SimdLevel::baseline, SimdLevel::avx2, SimdLevel::avx512}) {
    if (!has_simd(level)) continue;
    set_simd_level(level);
    INFO(name_of(level));
    f();
  }
  set_simd_level(before);
}

void check_tiled(const ConvCase& c) {
  for_simd_levels([&] {
    check_conv(c, conv::tiled, DType::float32, {});
    check_conv(c, conv::tiled, DType::float64, {});
  });
}

}  // namespace

TEST_CASE("tiled follows the definition: kernels, strides, paddings, channels", "[tiled]") {
  for (const ConvCase& c : every_window({1, 3, 4, 5, 8, 16, 17, 32, 33, 64, 70})) check_tiled(c);
}

TEST_CASE("tiled follows the definition: all numbers of channels", "[tiled]") {
  for (int64_t n = 1; n <= 70; ++n) {
    check_tiled({{1, 4, 5, n}, 71 - n, 3, 1, 1, n % 2 == 0});
    check_tiled({{2, 3, 3, 71 - n}, n, 1, 1, 0, n % 2 == 1, Activation::relu});
  }
}

TEST_CASE("tiled follows the definition: nothing, one pixel, windows apart", "[tiled]") {
  check_tiled({{0, 5, 5, 3}, 4, 3, 1, 1});
  check_tiled({{1, 1, 1, 1}, 1, 1, 1, 0});
  check_tiled({{1, 1, 1, 3}, 5, 3, 1, 1, true, Activation::relu});
  check_tiled({{1, 1, 1, 16}, 5, 7, 3, 3});
  check_tiled({{3, 1, 1, 5}, 2, 1, 3, 0});
  check_tiled({{2, 11, 5, 3}, 3, 2, 5, 0});  // pixels that no window covers
  check_tiled({{2, 11, 7, 16}, 20, 2, 5, 0});
  check_tiled({{1, 3, 4, 3}, 4, 2, 1, 5});  // windows beside the image
  check_tiled({{1, 3, 4, 16}, 4, 2, 2, 5});
  check_tiled({{1, 1, 130, 2}, 3, 1, 1, 0});
  check_tiled({{2, 3, 3, 0}, 2, 3, 1, 1});  // no channels: the bias is all
}

TEST_CASE("tiled follows the definition: several blocks, panels and slabs", "[tiled]") {
  check_tiled({{3, 70, 66, 3}, 64, 7, 2, 3, true, Activation::relu});  // a stem
  check_tiled({{1, 60, 50, 64}, 3, 3, 1, 1});                          // few results, forward
  // An image of few channels gathers its gradient, in bands of rows.
  check_tiled({{1, 130, 40, 2}, 6, 3, 2, 1});
  check_tiled({{2, 120, 21, 4}, 17, 5, 2, 2});
  check_tiled({{1, 70, 9, 1}, 33, 2, 3, 1});    // pixels that no window covers
  check_tiled({{1, 52, 50, 3}, 4, 31, 1, 15});  // too many products to be kept
  check_tiled({{5, 34, 33, 32}, 40, 3, 1, 1});
  check_tiled({{4, 33, 31, 40}, 70, 3, 2, 1});
  check_tiled({{2, 9, 9, 130}, 150, 3, 1, 1});  // patches of 1,170
  check_tiled({{40, 10, 10, 64}, 130, 1, 1, 0});
  check_tiled({{40, 10, 10, 128}, 33, 1, 2, 0});
  check_tiled({{33, 2, 2, 64}, 96, 3, 1, 1});
}

TEST_CASE("tiled computes bf16 in float", "[tiled]") {
  check_conv({{2, 9, 8, 16}, 20, 3, 1, 1}, conv::tiled, DType::bfloat16, {});
  check_conv({{2, 9, 8, 3}, 20, 7, 2, 3, true, Activation::relu}, conv::tiled, DType::bfloat16, {});
}

TEST_CASE("tiled gives the same bits for any number of threads", "[tiled]") {
  for (const ConvCase& c :
       {ConvCase{{6, 70, 66, 3}, 64, 7, 2, 3}, ConvCase{{9, 34, 33, 32}, 40, 3, 1, 1},
        ConvCase{{40, 10, 10, 64}, 130, 1, 1, 0}, ConvCase{{2, 9, 9, 130}, 150, 3, 2, 1}})
    for (DType dtype : {DType::float32, DType::float64}) {
      INFO(c.x.str() << " " << name_of(dtype));
      check_any_threads([&] {
        ConvOutcome o(c, conv::tiled, dtype, {});
        o.gradients.push_back(o.y);
        return o.gradients;
      });
    }
}

TEST_CASE("tiled passes NaN and infinity on where windows see them, and nowhere else", "[tiled]") {
  for_simd_levels([&] {
    for (int64_t channels : {1, 3, 16, 17}) {
      INFO(channels << " channels");
      std::vector<float> image(std::size_t(6 * 6 * channels), 1.0f);
      image[0] = NAN;
      image[std::size_t((6 * 6 - 1) * channels)] = INFINITY;
      const Tensor x = require_grad(Tensor::from<float>(image, {1, 6, 6, channels}));
      const Tensor w = require_grad(Tensor::full({5, 3, 3, channels}, 1));
      const Tensor y = conv2d(
          x, w, {}, {.padding = 1, .activation = Activation::relu, .algorithm = &conv::tiled});
      const auto v = y.to_doubles();
      for (int64_t i = 0; i < 6; ++i)
        for (int64_t j = 0; j < 6; ++j) {
          const double at = v[std::size_t((i * 6 + j) * 5)];
          INFO(i << ", " << j);
          if (i < 2 && j < 2)
            CHECK(std::isnan(at));
          else if (i > 3 && j > 3)
            CHECK(at == INFINITY);
          else
            CHECK(std::isfinite(at));
        }
      const auto grads = grad_of(y, {x, w}, false, Tensor::full(y.shape(), 1));
      CHECK(std::isnan(grads[1].to_doubles()[0]));
      CHECK(difference(std::vector<double>{grads[0].to_doubles().back()}, {20}, 0) == "");
    }
  });
}

TEST_CASE("an instruction set that the processor lacks is refused by name", "[tiled]") {
  CHECK(has_simd(SimdLevel::baseline));
  CHECK(has_simd(simd_level()));
  for (SimdLevel level : {SimdLevel::avx2, SimdLevel::avx512})
    if (!has_simd(level))
      CHECK_THROWS_WITH(set_simd_level(level),
                        std::string("this processor has no ") + name_of(level));
}

// Numbers that mostly cancel are multiplied and summed on the way, so that results round two to
// four times as much as directly.
void check_winograd(const ConvCase& c) {
  for_simd_levels([&] {
    check_conv(c, conv::winograd, DType::float32, {}, 2e-5);
    check_conv(c, conv::winograd, DType::float64, {});
  });
}

TEST_CASE("winograd follows the definition: paddings, sizes, channels", "[winograd]") {
  for (int64_t padding : {0, 1, 2, 3})
    for (const Shape& image : {Shape{2, 8, 8, 16}, Shape{1, 5, 11, 17}, Shape{3, 3, 4, 3},
                               Shape{1, 13, 6, 33}, Shape{2, 4, 3, 1}})
      check_winograd({image, 24, 3, 1, padding, padding % 2 == 0, Activation::relu});
}
TEST_CASE("winograd follows the definition: all numbers of channels", "[winograd]") {
  for (int64_t n = 1; n <= 70; ++n) check_winograd({{1, 4, 5, n}, 71 - n, 3, 1, 1, n % 2 == 0});
}
TEST_CASE("winograd follows the definition: both sizes of tiles", "[winograd]") {
  for (int64_t size = 1; size <= 14; ++size)
    check_winograd({{2, size, 15 - size, 5}, 7, 3, 1, 1, true, Activation::relu});
}
TEST_CASE("winograd follows the definition: several blocks, panels and parts of k", "[winograd]") {
  check_winograd({{3, 34, 33, 32}, 40, 3, 1, 1});
  check_winograd({{2, 9, 9, 130}, 150, 3, 1, 1});
  check_winograd({{33, 2, 2, 64}, 96, 3, 1, 1});
  check_winograd({{1, 6, 6, 600}, 20, 3, 1, 1});
  check_winograd({{1, 6, 6, 20}, 600, 3, 1, 1});
  check_winograd({{0, 8, 8, 64}, 64, 3, 1, 1});
}
TEST_CASE("winograd computes bf16 in float, and leaves other windows to tiled", "[winograd]") {
  check_conv({{2, 9, 8, 16}, 20, 3, 1, 1}, conv::winograd, DType::bfloat16, {});
  const auto f32 = DType::float32;
  CHECK(plan_of(Conv{{2, 9, 9, 16, 3, 1, 1}, 16}, f32, {}, &conv::winograd) ==
        "winograd, winograd, winograd");
  for (const Conv& c : {Conv{{2, 9, 9, 16, 3, 2, 1}, 16}, Conv{{2, 9, 9, 16, 5, 1, 2}, 16},
                        Conv{{2, 9, 9, 0, 3, 1, 1}, 16}})
    CHECK(plan_of(c, f32, {}, &conv::winograd) == "tiled, tiled, tiled");
}
TEST_CASE("winograd gives the same bits for any number of threads", "[winograd]") {
  for (const ConvCase& c :
       {ConvCase{{9, 34, 33, 32}, 40, 3, 1, 1}, ConvCase{{2, 9, 9, 130}, 150, 3, 1, 0}})
    for (DType dtype : {DType::float32, DType::float64}) {
      INFO(c.x.str() << " " << name_of(dtype));
      check_any_threads([&] {
        ConvOutcome o(c, conv::winograd, dtype, {});
        o.gradients.push_back(o.y);
        return o.gradients;
      });
    }
}
// A number that is not finite goes into all of its tiles, and no farther.
TEST_CASE("winograd's NaN stays within the tiles that see it", "[winograd]") {
  for_simd_levels([&] {
    std::vector<float> image(24 * 24 * 5, 1.0f);
    image[(13 * 24 + 13) * 5 + 2] = NAN;
    const Tensor x = Tensor::from<float>(image, {1, 24, 24, 5});
    const auto y =
        conv2d(x, Tensor::full({1, 3, 3, 5}, 1), {},
               {.padding = 1, .activation = Activation::relu, .algorithm = &conv::winograd})
            .to_doubles();
    for (int64_t i = 0; i < 24; ++i)
      for (int64_t j = 0; j < 24; ++j) {
        INFO(i << ", " << j);
        const double at = y[std::size_t(i * 24 + j)];
        if (i >= 12 && i <= 14 && j >= 12 && j <= 14) CHECK(std::isnan(at));
        if (i < 12 || i >= 16 || j < 12 || j >= 16) CHECK(std::isfinite(at));
      }
  });
}

TEST_CASE("auto on cpu picks a rung for each pass, and has one for everything", "[ladder]") {
  const auto f32 = DType::float32;
  const Conv stem{{32, 128, 128, 3, 7, 2, 3}, 64}, square{{32, 32, 32, 64, 3, 1, 1}, 64};
  CHECK(plan_of(stem, f32, {}) == "direct, tiled, tiled");
  CHECK(plan_of(square, f32, {}) == "winograd, winograd, winograd");
  const bool wide = simd_level() == SimdLevel::avx512;
  CHECK(plan_of(Conv{{32, 32, 32, 64, 1, 1, 0}, 256}, f32, {}) ==
        (wide ? "direct, direct, tiled" : "direct, direct, direct"));
  CHECK(plan_of(Conv{{32, 16, 16, 128, 1, 1, 0}, 512}, f32, {}) ==
        (wide ? "direct, direct, im2col" : "direct, direct, direct"));
  CHECK(plan_of(Conv{{32, 16, 16, 256, 1, 1, 0}, 128}, f32, {}) == "direct, direct, direct");
  CHECK(plan_of(Conv{{32, 2, 2, 512, 3, 1, 1}, 512}, f32, {}) == "direct, direct, tiled");
  CHECK(plan_of(square, DType::float64, {}) == "tiled, tiled, tiled");
  // Groups, and windows that are not square.
  const AnyConv small{Window{8, 28, 28, 96, 3, 1, 1}, 96, 96};
  const AnyConv large{Window{8, 28, 28, 96, 5, 1, 2}, 96, 96};
  const AnyConv halves{Window{8, 28, 28, 96, 3, 1, 1}, 64, 2};
  AnyConv row = Conv{{8, 28, 28, 96, 3, 1, 1}, 64};
  row.window.rows = {1};
  CHECK(plan_of(small, f32, {}) == "direct, direct, direct");
  CHECK(plan_of(large, f32, {}) == "direct, direct, depthwise");
  CHECK(plan_of(large, DType::float64, {}) == "depthwise, depthwise, depthwise");
  CHECK(plan_of(halves, DType::float64, {}) == "im2col, im2col, im2col");
  CHECK(plan_of(row, DType::float64, {}) == "tiled, tiled, tiled");
  CHECK(plan_of(halves, DType::float64, {}, &conv::direct) == "im2col, im2col, im2col");
  CHECK(plan_of(halves, f32, {}, &conv::winograd) == "im2col, im2col, im2col");
}

}  // namespace tweed
