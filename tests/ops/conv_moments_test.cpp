// The moments that convolutions on tensor cores leave: those of the numbers as they are stored, for
// every tile; and the batch norm that takes them.
#include <algorithm>
#include <cmath>

#include "autograd/channel_moments.h"
#include "autograd/norm.h"
#include "kernels/conv/mma.h"
#include "nn/init.h"
#include "nn/layers.h"
#include "tests/catch.h"
#include "tests/ops/conv_support.h"
#include "tests/support.h"

namespace tweed {
namespace {

std::vector<Device> devices() {
  std::vector<Device> all = test_devices();
  std::erase_if(all, [](Device d) { return d.kind() == Device::Kind::cpu; });
  return all;
}
template <class F>
void everywhere(F f) {
  for (Device device : devices())
    for (DType dtype : {DType::float32, DType::bfloat16}) {
      INFO(device.name() << ", " << name_of(dtype));
      f(device, dtype);
    }
}

}  // namespace

TEST_CASE("every tile finds the moments of its results", "[moments]") {
  struct Case {
    Conv conv;
    double bias;  // up to twice of it: means far from zero
  };
  // Tiles that are cut down, in single rows too, and across; channels that fill no chunk.
  const Case cases[] = {{{{2, 31, 5, 24, 3, 1, 1}, 136}, 5},   {{{1, 257, 1, 8, 1, 1, 0}, 136}, 0},
                        {{{1, 43, 3, 8, 3, 2, 1}, 20}, 1000},  {{{1, 13, 5, 16, 3, 1, 1}, 67}, 100},
                        {{{1, 16, 16, 8, 3, 1, 1}, 128}, 0.1}, {{{1, 3, 1, 8, 1, 1, 0}, 5}, 1}};
  everywhere([&](Device device, DType dtype) {
    for (const Case& one : cases) {
      const Conv& c = one.conv;
      const Slide s = forward_slide(c);
      const Tensor x = random_tensor(image_shape(c), dtype, device, 1);
      const Tensor w = random_tensor(weight_shape(c), dtype, device, 2);
      const Tensor b = random_tensor({s.channels}, dtype, device, 3, one.bias, 2 * one.bias);
      for (const MmaTile& tile : mma_tiles) {
        INFO(s.places() << " places, " << s.channels << " channels, " << tile.rows << "x"
                        << tile.columns);
        const Tensor y = Tensor::empty({s.places(), s.channels}, dtype, device);
        auto run = [&](int64_t blocks) {
          const Tensor moments = Tensor::full({ceil_div(s.places(), tile.rows), 2, s.channels}, NAN,
                                              DType::float32, device);
          on<Cuda, Sim>(device, [&](auto& here) {
            auto with = [&]<class T>(T) {
              conv_mma(here, s, {tile, 1}, Activation::none, x.read<T>(), w.read<T>(),
                       one.bias ? b.read<T>() : Span<const T>(), y.write<T>(), {},
                       moments.write<float>(), blocks);
            };
            dtype == DType::float32 ? with(float()) : with(bf16());
          });
          return moments;
        };
        const Tensor moments = run(0);
        check_moments(y, moments, tile.rows);
        CHECK(same_bits(run(2), moments));
      }
    }
  });
}

TEST_CASE("a column of equal numbers has no deviations", "[moments]") {
  everywhere([&](Device device, DType dtype) {
    const Tensor x = Tensor::zeros({1, 300, 1, 8}, dtype, device);
    const Tensor w = random_tensor({24, 1, 1, 8}, dtype, device, 2);
    // Of so few bits that a sum of equal numbers is exact.
    const Tensor b = random_tensor({24}, DType::bfloat16, device, 3, 1000, 3000).to(dtype);
    const Tensor y = conv2d(x, w, b, {.moments = true, .algorithm = &conv::mma});
    auto known = std::dynamic_pointer_cast<const ChannelMoments>(y.annotation());
    REQUIRE(known);
    const auto found = known->moments.to_doubles(), bias = b.to_doubles();
    for (std::size_t i = 0; i < found.size(); ++i)
      CHECK(found[i] == (i / 24 % 2 ? 0 : bias[i % 24]));
  });
}

TEST_CASE("a batch norm takes the moments that the convolution left", "[moments]") {
  everywhere([&](Device device, DType dtype) {
    const Tensor x = random_tensor({3, 9, 8, 8}, dtype, device, 1);
    const Tensor w = require_grad(random_tensor({24, 3, 3, 8}, dtype, device, 2));
    const Tensor gamma = Tensor::full({24}, 1, dtype, device);
    const Tensor beta = Tensor::zeros({24}, dtype, device);
    auto normalised = [&](const Tensor& y) {
      const Tensor mean = Tensor::zeros({24}, DType::float32, device);
      const Tensor var = Tensor::full({24}, 1, DType::float32, device);
      auto all = batch_norm(y, gamma, beta, mean, var, {.training = true}).to_doubles();
      for (const Tensor& t : {mean, var})
        for (double v : t.to_doubles()) all.push_back(v);
      return all;
    };
    const Tensor plain = conv2d(x, w, {}, {.padding = 1, .algorithm = &conv::mma});
    const Tensor y = conv2d(x, w, {}, {.padding = 1, .moments = true, .algorithm = &conv::mma});
    CHECK(!plain.annotation());
    REQUIRE(y.annotation());
    CHECK(same_bits(plain, y));
    CHECK(difference(normalised(y), normalised(plain), dtype == DType::float32 ? 1e-6 : 4e-3) ==
          "");
    // They are what is used: other moments, other results.
    auto known = std::dynamic_pointer_cast<const ChannelMoments>(y.annotation());
    known->moments.fill(1);
    CHECK(difference(normalised(y), normalised(plain), 1e-2) != "");
    y.fill(2);
    CHECK(!y.annotation());
    CHECK(difference(normalised(y), normalised(y.clone()), 1e-6) == "");
  });
}

TEST_CASE("a layer that a norm follows leaves moments while it trains", "[moments]") {
  for (Device device : devices()) {
    const Using mma(conv::mma, device);
    const Tensor x = random_tensor({2, 5, 5, 8}, DType::float32, device, 1);
    auto moments = [&](bool norm_follows, Activation activation, bool training) {
      const InitSeed seed(1);
      Conv2d layer(
          8, 24, 3,
          {.padding = 1, .bias = false, .activation = activation, .norm_follows = norm_follows});
      layer.to(device);
      layer.train(training);
      return layer(x).annotation() != nullptr;
    };
    CHECK(moments(true, Activation::none, true));
    CHECK(!moments(true, Activation::none, false));
    CHECK(!moments(false, Activation::none, true));
    CHECK(!moments(true, Activation::relu, true));
  }
}

}  // namespace tweed
