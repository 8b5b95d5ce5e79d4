// Matrix products as kernels: what no operation asks for, but a machine's library may refuse.
#include "kernels/gemm.h"

#include "autograd/dispatch.h"
#include "autograd/matmul.h"
#include "tests/catch.h"
#include "tests/ops/on_all.h"

using namespace tweed;

TEST_CASE("sums of nothing are zero, and leave alone what lies between the rows", "[gemm]") {
  on_all([](Device device, DType dtype) {
    const Tensor none = Tensor::empty({0}, dtype, device);
    for (bool accumulate : {false, true}) {
      const Tensor c = Tensor::full({2, 3, 5}, 7, dtype, device);  // matrices of 3x4
      dispatch("test", c, [&]<class T>(auto& here) {
        const Gemm g{.m = 3,
                     .n = 4,
                     .k = 0,
                     .lda = 0,
                     .ldb = 4,
                     .ldc = 5,
                     .accumulate = accumulate,
                     .batch = 2,
                     .stride_c = 15};
        gemm(here, g, none.read<T>(), none.read<T>(), c.write<T>());
      });
      const auto values = c.to_doubles();
      for (std::size_t i = 0; i < values.size(); ++i)
        CHECK(values[i] == (accumulate || i % 5 == 4 ? 7 : 0));
    }
  });
}

TEST_CASE("a bias may begin anywhere, and ReLU behind it keeps NaN", "[gemm]") {
  on_all([](Device device, DType dtype) {
    for (int64_t first : {0, 1, 3})
      for (Activation activation : {Activation::none, Activation::relu}) {
        INFO("from " << first << ", ReLU " << (activation == Activation::relu));
        const Tensor a = Tensor::from<double>({1, -2, NAN}, {3, 1}).to(dtype).to(device);
        const Tensor b = Tensor::from<double>({1, 2}, {1, 2}).to(dtype).to(device);
        const Tensor all = Tensor::from<double>({1, 2, 3, 4, 5}, {5}).to(dtype).to(device);
        const Tensor bias = all.slice(first, first + 2);
        const Tensor c = Tensor::empty({3, 2}, dtype, device);
        dispatch("test", c, [&]<class T>(auto& here) {
          gemm_bias(here, {.m = 3, .n = 2, .k = 1, .lda = 1, .ldb = 2, .ldc = 2}, activation,
                    a.read<T>(), b.read<T>(), bias.read<T>(), c.write<T>());
        });
        const double v = double(first) + 1;
        std::vector<double> wanted = {1 + v, 2 + v + 1, -2 + v, -4 + v + 1, NAN, NAN};
        if (activation == Activation::relu)
          for (double& w : wanted) w = w <= 0 ? 0 : w;
        CHECK(difference(c.to_doubles(), wanted, 0) == "");
      }
  });
}

// A library may have an algorithm for one and none for the other, and remember it by the shape.
TEST_CASE("linear adds a bias that is aligned, then one that is not, then the first", "[gemm]") {
  on_all([](Device device, DType dtype) {
    std::vector<double> values(40);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = double(i * 5 % 7) - 3;
    const Tensor all = Tensor::from<double>(values, {40}).to(dtype).to(device);
    const Tensor x = all.slice(0, 12).reshape({4, 3}), weight = all.slice(16, 31).reshape({5, 3});
    for (int64_t first : {0, 1, 0}) {
      INFO("from " << first);
      const Tensor bias = all.slice(32 + first, 37 + first);
      std::vector<double> wanted;
      for (std::size_t row = 0; row < 4; ++row)
        for (std::size_t column = 0; column < 5; ++column) {
          double v = values[std::size_t(32 + first) + column];
          for (std::size_t k = 0; k < 3; ++k)
            v += values[row * 3 + k] * values[16 + column * 3 + k];
          wanted.push_back(v);
        }
      CHECK(difference(linear(x, weight, bias).to_doubles(), wanted, 0) == "");
    }
  });
}

TEST_CASE("sizes that cuBLAS cannot count are refused, not cut", "[gemm]") {
  for (Device device : test_devices()) {
    if (!device.is_cuda()) continue;
    const Tensor t = Tensor::zeros({1}, DType::float32, device);
    const int64_t most = 0x7fffffff;
    for (const Gemm& g : {Gemm{.m = most + 2, .n = 1, .k = 1, .lda = 1, .ldb = 1, .ldc = 1},
                          Gemm{.m = 1, .n = 1, .k = 2, .lda = most + 3, .ldb = 1, .ldc = 1}})
      on<Cuda>(device, [&](auto& here) {
        CHECK_THROWS_WITH(gemm(here, g, t.read<float>(), t.read<float>(), t.write<float>()),
                          Contains("[gemm] a size of 21474836") && Contains("cuBLAS"));
      });
  }
}
