// The rung on Hopper's tensor cores, beyond what all rungs share (conv_ladder_test.cpp): every
// tile, slices, channels that fill no tile, and what it leaves to mma. The kernels run where a
// device has compute capability 9.0, an emulated one among them; what the shape decides is tested
// everywhere.
#include <cmath>

#include "autograd/channel_moments.h"
#include "kernels/conv/mma.h"
#include "kernels/conv/wgmma.h"
#include "tests/catch.h"
#include "tests/ops/conv_support.h"
#include "tests/support.h"

namespace tweed {
namespace {

constexpr DType bf = DType::bfloat16;

std::vector<Device> devices() {
  std::vector<Device> all = test_devices();
  std::erase_if(all,
                [](Device d) { return !on(d, [](auto& here) { return has_conv_wgmma(here); }); });
  return all;
}

// Of the largest magnitude: sums in float of products that are exact, and one rounding.
constexpr double tolerance = 4e-3;

}  // namespace

TEST_CASE("every tile of wgmma, in one slice and in several, gives the same convolution",
          "[wgmma]") {
  // 155 places and 136 filters: the last tile of each kind is cut in both directions.
  const Slide s = forward_slide({{1, 31, 5, 72, 3, 1, 1}, 136});
  for (Device device : devices()) {
    const Tensor x = random_tensor({1, 31, 5, 72}, bf, device, 1);
    const Tensor w = random_tensor({136, 3, 3, 72}, bf, device, 2);
    const Tensor b = random_tensor({136}, bf, device, 3);
    const ByDefinition wanted(x, w, b.to_doubles(), {}, 1, 1);
    for (int columns : wgmma_columns)
      for (int64_t slices : {1, 4}) {
        INFO(columns << " columns, " << slices << " slices");
        const Tensor partial =
            Tensor::full({slices > 1 ? slices : 0, s.places(), 136}, NAN, DType::float32, device);
        auto run = [&](int64_t blocks) {
          const Tensor y = Tensor::full({1, 31, 5, 136}, NAN, bf, device);
          on<Cuda>(device, [&](auto& here) {
            conv_wgmma(here, s, {columns, slices}, Activation::none, x.read<bf16>(), w.read<bf16>(),
                       b.read<bf16>(), y.write<bf16>(), partial.write<float>(), {}, blocks);
          });
          return y;
        };
        const Tensor y = run(0);
        CHECK(difference(y.to_doubles(), wanted.y, tolerance) == "");
        for (int64_t blocks : {1, 3}) CHECK(same_bits(run(blocks), y));
      }
  }
}

TEST_CASE("every tile of wgmma finds the moments of its results", "[wgmma]") {
  const Slide s = forward_slide({{1, 43, 3, 16, 3, 1, 1}, 136});  // the last tile has one place
  for (Device device : devices()) {
    const Tensor x = random_tensor({1, 43, 3, 16}, bf, device, 1);
    const Tensor w = random_tensor({136, 3, 3, 16}, bf, device, 2);
    const Tensor b = random_tensor({136}, bf, device, 3, 100, 200);
    for (int columns : wgmma_columns) {
      INFO(columns);
      const Tensor y = Tensor::empty({s.places(), 136}, bf, device);
      auto run = [&](int64_t blocks) {
        const Tensor moments = Tensor::full({2, 2, 136}, NAN, DType::float32, device);
        on<Cuda>(device, [&](auto& here) {
          conv_wgmma(here, s, {columns, 1}, Activation::none, x.read<bf16>(), w.read<bf16>(),
                     b.read<bf16>(), y.write<bf16>(), {}, moments.write<float>(), blocks);
        });
        return moments;
      };
      const Tensor moments = run(0);
      check_moments(y, moments, wgmma_rows);
      for (int64_t blocks : {1, 3}) CHECK(same_bits(run(blocks), moments));
    }
  }
}

TEST_CASE("wgmma leaves moments to the norm that follows, where one slice makes the sums",
          "[wgmma]") {
  for (Device device : devices()) {
    auto moments = [&](const Shape& images, int64_t filters) {
      const Tensor x = random_tensor(images, bf, device, 1);
      const Tensor w = random_tensor({filters, 3, 3, images[3]}, bf, device, 2);
      const Tensor y = conv2d(x, w, {}, {.padding = 1, .moments = true, .algorithm = &conv::wgmma});
      const auto known = std::dynamic_pointer_cast<const ChannelMoments>(y.annotation());
      if (known) check_moments(y, known->moments, known->slab_rows);
      return known != nullptr;
    };
    CHECK(moments({2, 9, 9, 16}, 24));
    CHECK(!moments({1, 3, 3, 128}, 24));  // 18 steps are two slices
  }
}

TEST_CASE("every tile of wgmma, in one slice and in several, gives the same weight gradient",
          "[wgmma]") {
  const Conv c{{2, 17, 5, 72, 3, 1, 1}, 136};
  const Slide s = forward_slide(c);
  for (Device device : devices()) {
    const Tensor x = random_tensor({2, 17, 5, 72}, bf, device, 1);
    const Tensor dz = random_tensor({2, 17, 5, 136}, bf, device, 2);
    const Tensor w = Tensor::zeros({136, 3, 3, 72}, bf, device);
    const ByDefinition wanted(x, w, {}, dz.to_doubles(), 1, 1);
    for (int columns : {64, 128})
      for (int64_t slices : {1, 3}) {
        INFO(columns << " columns, " << slices << " slices");
        auto run = [&](int64_t blocks) {
          const Tensor partial = Tensor::full({slices, w.size()}, NAN, DType::float32, device);
          const Tensor dw = Tensor::empty(w.shape(), bf, device);
          on<Cuda>(device, [&](auto& here) {
            conv_wgmma_weight(here, s, {columns, slices}, x.read<bf16>(), dz.read<bf16>(),
                              partial.write<float>(), blocks);
            add_weight_slices(here, c, pack_channels(72, 8), 136, slices, partial.read<float>(),
                              dw.write<bf16>());
          });
          return dw;
        };
        const Tensor dw = run(0);
        CHECK(difference(dw.to_doubles(), wanted.dw, tolerance) == "");
        CHECK(same_bits(run(5), dw));
      }
  }
}

TEST_CASE("wgmma follows the definition: kernels, strides, paddings", "[wgmma]") {
  for (Device device : devices())
    for (const ConvCase& c : every_window({8, 16, 40, 72})) {
      if (c.kernel == 5 || c.padding == 2) continue;  // the emulated GPU takes its time
      const Conv conv{{c.x[0], c.x[1], c.x[2], c.x[3], c.kernel, c.stride, c.padding}, c.out};
      // Windows that stand apart leave pixels of dx to which no tap belongs: mma writes these.
      CHECK(plan_of(conv, bf, device, &conv::wgmma) ==
            (c.stride <= c.kernel ? "wgmma, wgmma, wgmma" : "wgmma, mma, wgmma"));
      check_conv(c, conv::wgmma, bf, device);
    }
}

TEST_CASE("wgmma follows the definition: wide tiles, far corners", "[wgmma]") {
  for (Device device : devices()) {
    check_conv({{1, 12, 11, 8}, 264, 3, 1, 1, true, Activation::relu}, conv::wgmma, bf, device);
    check_conv({{1, 5, 130, 8}, 8, 15, 1, 14}, conv::wgmma, bf, device);
    check_conv({{3, 1, 1, 64}, 64, 3, 1, 1}, conv::wgmma, bf, device);
  }
}

TEST_CASE("wgmma follows the definition: nothing to do", "[wgmma]") {
  for (Device device : devices()) {
    check_conv({{0, 5, 5, 8}, 8, 3, 1, 1}, conv::wgmma, bf, device);
    check_conv({{2, 3, 3, 0}, 8, 3, 1, 1}, conv::wgmma, bf, device);
    check_conv({{2, 11, 5, 8}, 8, 2, 5, 0}, conv::wgmma, bf, device);  // pixels without a window
  }
}

TEST_CASE("NaN passes through wgmma, and only where windows see it", "[wgmma]") {
  for (Device device : devices()) {
    std::vector<bf16> v(5 * 7 * 8, store<bf16>(1.f));
    v[(2 * 7 + 3) * 8 + 5] = store<bf16>(NAN);
    const Tensor x = Tensor::from<bf16>(v, {1, 5, 7, 8}, device);
    const Tensor w = Tensor::full({8, 3, 3, 8}, 1, bf, device);
    const ConvOptions options{
        .padding = 1, .activation = Activation::relu, .algorithm = &conv::wgmma};
    const auto y = conv2d(x, w, {}, options).to_doubles();
    for (int i = 0; i < 5 * 7 * 8; ++i) {
      const int column = i / 8 % 7, row = i / 8 / 7;
      CHECK(std::isnan(y[std::size_t(i)]) == (row >= 1 && row <= 3 && column >= 2 && column <= 4));
    }
  }
}

TEST_CASE("what a slice has put out of line is copied for TMA", "[wgmma]") {
  for (Device device : devices()) {
    const Tensor odd = random_tensor({8 * 3 * 5 + 3}, bf, device, 1);
    const Tensor x = odd.slice(3, 3 + 8 * 15).reshape({1, 5, 3, 8});
    const Tensor w = random_tensor({8, 3, 3, 8}, bf, device, 2);
    const ByDefinition wanted(x, w, {}, {}, 1, 1);
    const Tensor y = conv2d(x, w, {}, {.padding = 1, .algorithm = &conv::wgmma});
    CHECK(difference(y.to_doubles(), wanted.y, tolerance) == "");
  }
}

TEST_CASE("what wgmma cannot do is mma's, and auto does not take wgmma", "[wgmma]") {
  for (Device device : devices()) {
    auto plan = [&](const Conv& c, DType dtype = bf) {
      return plan_of(c, dtype, device, &conv::wgmma);
    };
    CHECK(plan({{2, 9, 9, 64, 3, 1, 1}, 64}) == "wgmma, wgmma, wgmma");
    CHECK(plan({{2, 9, 9, 64, 3, 1, 1}, 64}, DType::float32) == "mma, mma, mma");
    CHECK(plan({{2, 9, 9, 64, 3, 1, 1}, 64}, DType::float64) == "implicit, implicit, implicit");
    CHECK(plan({{2, 9, 9, 3, 7, 2, 3}, 64}) == "mma, mma, mma");
    CHECK(plan({{2, 9, 9, 64, 3, 1, 1}, 60}) == "mma, mma, mma");
    CHECK(plan({{2, 40, 40, 64, 3, 9, 1}, 64}) == "mma, mma, mma");
    CHECK(plan_of(Conv{{256, 32, 32, 64, 3, 1, 1}, 64}, bf, device) == "mma, mma, mma");
  }
  for (Device device : test_devices())
    if (device.is_cuda() && !on(device, [](auto& here) { return has_conv_wgmma(here); }))
      CHECK_THROWS_WITH(check_conv_algorithm(conv::wgmma, device),
                        "[conv2d] 'wgmma' works on GPUs of sm_90, in a build for sm_90a, not on " +
                            device.name());
  const Device sim = Device::parse("sim");
  CHECK_THROWS_WITH(check_conv_algorithm(conv::wgmma, sim),
                    "[conv2d] 'wgmma' works on cuda, not on sim");
}

TEST_CASE("how far a tensor map counts", "[wgmma]") {
  auto can = [](const Conv& c) { return wgmma_can(forward_slide(c)); };
  CHECK(can({{1, 300, 300, 64, 3, 1, 1}, 64}));
  CHECK(can({{1, 300, 300, 64, 129, 1, 128}, 64}));
  CHECK(!can({{1, 300, 300, 64, 131, 1, 129}, 64}));  // the first corner is 129 pixels outside
  CHECK(can({{1, 300, 300, 64, 128, 1, 0}, 64}));
  CHECK(!can({{1, 300, 300, 64, 130, 1, 0}, 64}));  // the last is 129 before the border
  CHECK(can({{1, 300, 300, 64, 3, 8, 1}, 64}));
  CHECK(!can({{1, 300, 300, 64, 3, 9, 1}, 64}));
  CHECK(!can({{1, 300, 300, 60, 3, 1, 1}, 64}));
}

TEST_CASE("tiles of wgmma follow from the shape", "[wgmma]") {
  auto forward = [](const Conv& c) { return wgmma_plan(forward_slide(c)); };
  CHECK(forward({{256, 32, 32, 64, 3, 1, 1}, 64}) == WgmmaPlan{64, 1});
  CHECK(forward({{256, 16, 16, 128, 3, 1, 1}, 128}) == WgmmaPlan{128, 1});
  CHECK(forward({{256, 16, 16, 128, 3, 1, 1}, 256}) == WgmmaPlan{256, 1});
  // 8 tiles of 256: too few; 16 of 128, whose 36 steps are 4 slices of at least 8.
  CHECK(forward({{16, 8, 8, 256, 3, 1, 1}, 256}) == WgmmaPlan{128, 4});
  const WgmmaWeightPlan early = wgmma_weight_plan(forward_slide({{256, 32, 32, 64, 3, 1, 1}, 64})),
                        late = wgmma_weight_plan(forward_slide({{2, 4, 4, 512, 3, 1, 1}, 512}));
  CHECK(early.columns == 64);
  CHECK(early.slices == 14);  // 9 tiles on 132 multiprocessors
  CHECK(late.columns == 128);
  CHECK(late.slices == 1);
}

}  // namespace tweed
