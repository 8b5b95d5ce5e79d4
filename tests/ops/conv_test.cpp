// What is special about convolutions: the coursework's test, two algorithms, oneDNN's choices.
#include "autograd/conv.h"

#include <cmath>

#include "autograd/gradcheck.h"
#include "kernels/conv/direct.h"
#include "tests/catch.h"
#include "tests/ops/conv_support.h"
#include "tests/support.h"

using namespace tweed;

TEST_CASE("The coursework's convolution test, with its tolerances") {
  // float64, batch 2, 3 to 64 channels, kernel 7, stride 2, padding 3, 12x12 pixels
  ConvOptions options{.stride = 2, .padding = 3};
  for (Device device : test_devices()) {
    INFO(device.name());
    Tensor x = random_tensor({2, 12, 12, 3}, DType::float64, device, 1);
    Tensor w = random_tensor({64, 7, 7, 3}, DType::float64, device, 2, -0.1, 0.1);
    Tensor b = random_tensor({64}, DType::float64, device, 3);
    const ByDefinition wanted(x, w, b.to_doubles(), {}, 2, 3);
    CHECK(difference(conv2d(x, w, b, options).to_doubles(), wanted.y, 1e-5) == "");
    if (device.kind() == Device::Kind::sim) continue;  // 20,000 convolutions
    auto result = gradcheck([&](const auto& in) { return conv2d(in[0], in[1], in[2], options); },
                            {x, w, b}, {.eps = 1e-4, .atol = 1e-5});
    INFO(result.message);
    CHECK(result);
  }
}

TEST_CASE("im2col and direct agree within rounding, in all three passes") {
  struct Case {
    Shape x, w;
    int64_t stride, padding;
  };
  for (const Case& c :
       {Case{{3, 17, 15, 3}, {8, 7, 7, 3}, 2, 3}, Case{{2, 8, 8, 16}, {24, 3, 3, 16}, 1, 1},
        Case{{2, 9, 9, 5}, {7, 1, 1, 5}, 1, 0}, Case{{1, 10, 7, 4}, {6, 5, 5, 4}, 3, 2},
        Case{{4, 1, 1, 3}, {2, 1, 1, 3}, 1, 0}})
    for (bool relu : {false, true})
      for (DType dtype : {DType::float32, DType::bfloat16}) {
        // The two round bf16 at different places, which may turn a sign at ReLU's kink.
        if (relu && dtype == DType::bfloat16) continue;
        INFO(c.x.str() << " " << c.w.str() << " relu " << relu << " " << name_of(dtype));
        ConvOptions options{.stride = c.stride,
                            .padding = c.padding,
                            .activation = relu ? Activation::relu : Activation::none};
        std::vector<std::vector<double>> results[2];
        for (auto* algorithm : {&conv::im2col, &conv::direct}) {
          options.algorithm = algorithm;
          Tensor x = random_tensor(c.x, dtype, {}, 1), w = random_tensor(c.w, dtype, {}, 2);
          Tensor b = random_tensor({c.w[0]}, dtype, {}, 3);
          for (auto& t : {x, w, b}) require_grad(t);
          Tensor y = conv2d(x, w, b, options);
          auto grads = grad_of(y, {x, w, b}, false, random_tensor(y.shape(), dtype, {}, 4));
          auto& to = results[algorithm == &conv::direct];
          to = {y.to_doubles()};
          for (auto& g : grads) to.push_back(g.to_doubles());
        }
        double tolerance = dtype == DType::float32 ? 1e-5 : 4e-2;
        for (std::size_t i = 0; i < 4; ++i) {
          INFO("result " << i);
          CHECK(difference(results[1][i], results[0][i], tolerance) == "");
        }
      }
}

TEST_CASE("oneDNN runs no reference code on SimpleNet's shapes") {
  for (int64_t size : {32, 64, 128}) {
    for (const Conv& c :
         {Conv{{32, size, size, 3, 7, 2, 3}, 64}, Conv{{32, size / 4, size / 4, 64, 1, 1, 0}, 64},
          Conv{{32, size / 4, size / 4, 64, 3, 1, 1}, 64},
          Conv{{32, size / 4, size / 4, 64, 1, 1, 0}, 256},
          Conv{{32, size / 8, size / 8, 256, 1, 1, 0}, 128},
          Conv{{32, size / 8, size / 8, 128, 3, 1, 1}, 128},
          Conv{{32, size / 8, size / 8, 128, 1, 1, 0}, 512}}) {
      INFO(c.window.C << " to " << c.out_channels << ", kernel " << c.window.kernel);
      for (auto& name : conv_direct_implementations(c)) CHECK(name.rfind("ref", 0) != 0);
    }
  }
}

TEST_CASE("NaN and infinity pass through a convolution with ReLU as in PyTorch") {
  for (Device device : test_devices()) {
    std::vector<const ConvAlgorithm*> all = conv_rows_of(device);
    all.push_back(nullptr);  // auto
    for (const ConvAlgorithm* algorithm : all)
      for (const Tensor& bias : {Tensor(), Tensor::zeros({1}, DType::float32, device)}) {
        INFO((algorithm ? algorithm->name : "auto")
             << " on " << device.name() << ", bias " << bias.defined());
        Tensor x = Tensor::from<float>({NAN, INFINITY, -INFINITY, -1, 2}, {5, 1, 1, 1}, device);
        Tensor w = Tensor::full({1, 1, 1, 1}, 1, DType::float32, device);
        auto y = conv2d(x, w, bias, {.activation = Activation::relu, .algorithm = algorithm})
                     .to_doubles();
        CHECK(std::isnan(y[0]));
        CHECK(y[1] == INFINITY);
        CHECK(y[2] == 0);
        CHECK(y[3] == 0);
        CHECK(y[4] == 2);
      }
  }
}

TEST_CASE("Errors of convolutions name the shapes") {
  Tensor x = Tensor::zeros({1, 8, 8, 3});
  CHECK_THROWS_WITH(conv2d(x, Tensor::zeros({4, 3, 3, 2})),
                    "[conv2d] weight is (4, 3, 3, 2), x is (1, 8, 8, 3)");
  CHECK_THROWS_AS(conv2d(x, Tensor::zeros({4, 9, 9, 3})), ShapeError);
  CHECK_THROWS_AS(conv2d(x, Tensor::zeros({4, 3, 3, 3}), Tensor::zeros({5})), ShapeError);
}
