// What rows of op_cases.h cannot say: NaN and infinity, bits for any number of threads, running
// statistics, many channels, long rows, errors.
#include <sys/mman.h>

#include <cmath>

#include "autograd/dispatch.h"
#include "autograd/dropout.h"
#include "autograd/elementwise.h"
#include "autograd/loss.h"
#include "autograd/norm.h"
#include "autograd/pool.h"
#include "autograd/reduce.h"
#include "autograd/shape_ops.h"
#include "kernels/reduce.h"
#include "tests/catch.h"
#include "tests/ops/on_all.h"

namespace tweed {
namespace {

using Doubles = std::vector<double>;
const double nan = NAN, inf = INFINITY;

Tensor tensor(const Doubles& values, const Shape& shape, DType dtype, Device device) {
  return Tensor::from(values, shape).to(dtype).to(device);
}

}  // namespace

TEST_CASE("NaN and infinity pass as in PyTorch", "[ops]") {
  on_all([](Device device, DType dtype) {
    auto of = [&](const Doubles& v, const Shape& s) { return tensor(v, s, dtype, device); };
    Tensor x = require_grad(of({nan, inf, -inf, 0, -2, 3}, {6}));
    Tensor y = relu(x);
    CHECK(difference(y.to_doubles(), {nan, inf, 0, 0, 0, 3}, 0) == "");
    Tensor dx = grad_of(y, {x}, false, of({1, 2, inf, nan, 5, 6}, {6}))[0];
    CHECK(difference(dx.to_doubles(), {1, 2, 0, 0, 0, 6}, 0) == "");

    CHECK(std::isnan(sum(of({1, nan, 2}, {3})).item()));
    CHECK(sum(of({1, inf, 2}, {3})).item() == inf);
    CHECK(std::isnan(mean(of({}, {0})).item()));
    CHECK(sum(of({}, {0})).item() == 0);

    CHECK(difference(softmax(of({1, nan, -inf, 0, inf, 0}, {3, 2})).to_doubles(),
                     {nan, nan, 0, 1, nan, nan}, 0) == "");
    CHECK(difference(log_softmax(of({-inf, 0}, {2})).to_doubles(), {-inf, 0}, 0) == "");
    CHECK(difference(dropout(of({nan, inf}, {2}), 1, {}, true).to_doubles(), {nan, nan}, 0) == "");
  });
}

TEST_CASE("max_pool2d starts at minus infinity, passes NaN, and takes the first of equals") {
  on_all([](Device device, DType dtype) {
    for (int64_t kernel : {2, 4}) {  // unrolled and general
      INFO("kernel " << kernel);
      auto pooled = [&](double fill, int64_t at, double value, Doubles* gradient) {
        Doubles values(static_cast<std::size_t>(kernel * kernel), fill);
        values[static_cast<std::size_t>(at)] = value;
        Tensor x = require_grad(tensor(values, {1, kernel, kernel, 1}, dtype, device));
        Tensor y = max_pool2d(x, kernel);
        *gradient =
            grad_of(y, {x}, false, Tensor::full(y.shape(), 1, dtype, device))[0].to_doubles();
        return y.item();
      };
      Doubles gradient;
      CHECK(pooled(-inf, 0, -inf, &gradient) == -inf);
      CHECK(gradient[0] == 1);
      CHECK(pooled(-5, 2, -5, &gradient) == -5);
      CHECK(gradient[0] == 1);
      CHECK(std::isnan(pooled(1, 3, nan, &gradient)));
      CHECK(gradient[3] == 1);
      CHECK(std::isnan(pooled(inf, 0, nan, &gradient)));
      CHECK(gradient[0] == 1);
      CHECK(pooled(1, 2, inf, &gradient) == inf);
      CHECK(gradient[2] == 1);
    }
    // Padding is minus infinity too: a negative corner stays negative.
    Tensor x = tensor({-3, -4, -5, -6}, {1, 2, 2, 1}, dtype, device);
    CHECK(difference(max_pool2d(x, 3, {2, 1}).to_doubles(), {-3}, 0) == "");
  });
}

TEST_CASE("the bits do not depend on the number of threads", "[ops]") {
  auto everything = [] {
    std::vector<Tensor> results;
    Tensor x = require_grad(random_tensor({8, 33, 31, 67}, DType::float32, {}, 1));
    Tensor gamma = require_grad(random_tensor({67}, DType::float32, {}, 2));
    Tensor beta = require_grad(random_tensor({67}, DType::float32, {}, 3));
    Tensor mean_state = Tensor::zeros({67}), var_state = Tensor::full({67}, 1);
    Tensor y = batch_norm(x, gamma, beta, mean_state, var_state, {.training = true});
    y = max_pool2d(relu(y), 3, {2, 1});
    y = dropout(avg_pool2d(y, 2, {1}), 0.3, {1, Purpose::dropout, 2, 3}, true);
    Tensor loss = sum(softmax(flatten(global_avg_pool(y).reshape({8, 1, 1, 67})))) + mean(y);
    auto gradients = grad_of(loss, {x, gamma, beta});
    for (auto& t : {loss, mean_state, var_state, gradients[0], gradients[1], gradients[2]})
      results.push_back(t);
    results.push_back(sum(x.detach(), {0, 1, 2}));
    results.push_back(sum(x.detach()));
    return results;
  };
  check_any_threads(everything);
}

TEST_CASE("a sum over more than 2^31 elements", "[kernels]") {
  // Untouched pages are all the same page of zeros: 4 GB of addresses, hardly any memory.
  const int64_t n = (int64_t(1) << 31) + 12345;
  const std::size_t bytes = std::size_t(n) * sizeof(bf16);
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  REQUIRE(memory != MAP_FAILED);
  madvise(memory, bytes, MADV_HUGEPAGE);
  bf16* x = static_cast<bf16*>(memory);
  for (int64_t i : {int64_t(0), int64_t(12345), (int64_t(1) << 31) - 1, int64_t(1) << 31, n - 1})
    x[i] = store<bf16>(2);
  const Reduction shape = {1, n, 1};
  std::vector<bf16> total(1);
  std::vector<float> scratch(static_cast<std::size_t>(shape.scratch()));
  fold(cpu_machine(), Fold::sum, shape, 1, Span<const bf16>(x, n), Span<bf16>(total),
       Span<float>(scratch));
  CHECK(load(total[0]) == 10);
  munmap(memory, bytes);
}

TEST_CASE("batch_norm keeps running statistics as PyTorch does", "[ops]") {
  on_all([](Device device, DType dtype) {
    if (dtype == DType::bfloat16) return;
    Tensor x = tensor({1, 10, 2, 20, 6, 60}, {3, 2}, dtype, device);
    Tensor gamma = Tensor::full({2}, 1, dtype, device), beta = Tensor::zeros({2}, dtype, device);
    Tensor mean = Tensor::full({2}, 1, dtype, device), var = Tensor::full({2}, 2, dtype, device);
    const uint32_t before = mean.version();
    Tensor batches = Tensor::full({}, 7, DType::int32, device);
    batch_norm(x, gamma, beta, mean, var, {.training = true, .momentum = 0.25, .batches = batches});
    CHECK(batches.item() == 8);
    // Means 3 and 30; unbiased variances 7 and 700.
    CHECK(difference(mean.to_doubles(), {1.5, 8.25}, 1e-6) == "");
    CHECK(difference(var.to_doubles(), {3.25, 176.5}, 1e-6) == "");
    CHECK(mean.version() > before);
    Tensor y =
        batch_norm(x, gamma, beta, mean, var, {.momentum = 0.25, .eps = 0, .batches = batches});
    CHECK(batches.item() == 8);
    CHECK_THROWS_AS(batch_norm(x, gamma, beta, mean, var, {.batches = x}), ShapeError);
    CHECK(y.to_doubles()[0] == Approx((1 - 1.5) / std::sqrt(3.25)));
    CHECK(mean.to_doubles()[0] == Approx(1.5));
    CHECK_THROWS_AS(batch_norm(tensor({1, 2}, {1, 2}, dtype, device), gamma, beta, mean, var,
                               {.training = true}),
                    ShapeError);
  });
}

TEST_CASE("batch_norm is right for means far from zero, and for many channels", "[ops]") {
  Tensor none;
  Tensor x = random_tensor({4000, 3}, DType::float32, {}, 1, 9999, 10001);
  Tensor one = Tensor::full({3}, 1), zero = Tensor::zeros({3});
  Tensor exact = batch_norm(x.to(DType::float64), one.to(DType::float64), zero.to(DType::float64),
                            none, none, {.training = true});
  Tensor y = batch_norm(x, one, zero, none, none, {.training = true});
  // x itself is rounded to 1e-3, its mean to about that: not more may be lost.
  CHECK(difference(y.to_doubles(), exact.to_doubles(), 2e-3) == "");

  const int64_t C = 8192;
  for (Device device : test_devices()) {
    for (DType dtype : {DType::float32, DType::float64}) {
      Tensor many = require_grad(random_tensor({4, C}, dtype, device, 2));
      Tensor gamma = require_grad(Tensor::full({C}, 1, dtype, device));
      Tensor beta = require_grad(Tensor::zeros({C}, dtype, device));
      Tensor y = batch_norm(many, gamma, beta, none, none, {.training = true});
      CHECK(difference(mean(y.detach(), {0}).to_doubles(), Doubles(std::size_t(C), 0.0), 1e-5) ==
            "");
      auto gradients =
          grad_of(y, {many, gamma, beta}, false, Tensor::full(y.shape(), 1, dtype, device));
      CHECK(difference(gradients[0].to_doubles(), Doubles(std::size_t(4 * C), 0.0), 1e-4) == "");
      CHECK(difference(gradients[2].to_doubles(), Doubles(std::size_t(C), 4.0), 0) == "");
    }
  }
}

TEST_CASE("rows of several pieces", "[ops]") {
  for (Device device : test_devices()) {
    const int64_t width = 5000;
    Tensor x = random_tensor({2, width}, DType::float32, device, 1);
    Tensor by_row = Tensor::from(std::vector<float>{2, 3}, {2, 1}, device);
    Tensor columns = random_tensor({width}, DType::float32, device, 2);
    const Doubles a = x.to_doubles(), b = columns.to_doubles();
    Doubles products, sums;
    for (std::size_t i = 0; i < a.size(); ++i) {
      products.push_back(a[i] * (i < std::size_t(width) ? 2 : 3));
      sums.push_back(double(float(a[i]) + float(b[i % std::size_t(width)])));
    }
    CHECK(difference((x * by_row).to_doubles(), products, 1e-6) == "");
    CHECK(difference((x + columns).to_doubles(), sums, 0) == "");
    Tensor joined = concat({x, by_row}, 1);
    CHECK(sum(joined).item() == Approx(sum(x).item() + 5).epsilon(1e-4));
    CHECK(same_bits(sum(expand(by_row, {2, width}), {1}),
                    Tensor::from(std::vector<float>{10000, 15000}, {2}, device)));
  }
}

TEST_CASE("target ranks count what stands before the target", "[ops]") {
  on_all([](Device device, DType dtype) {
    Tensor logits = tensor({3, 1, 2, 1, 1, 1, nan, 1, 2, nan, 5, nan}, {4, 3}, dtype, device);
    Tensor targets = Tensor::from(std::vector<int32_t>{2, 1, 2, 0}, {4}, device);
    Tensor ranks = target_ranks(logits, targets);
    CHECK(ranks.to_vector<int32_t>() == std::vector<int32_t>{1, 1, 1, 3});
    CHECK(count_top(ranks, 1) == 0);
    CHECK(count_top(ranks, 2) == 3);
  });
}

TEST_CASE("wrong arguments are named", "[ops]") {
  Tensor x = Tensor::zeros({2, 3}), image = Tensor::zeros({1, 4, 4, 2});
  CHECK_THROWS_WITH(x + Tensor::zeros({4}), Contains("[add] shapes (2, 3) and (4)"));
  CHECK_THROWS_WITH(x + Tensor::zeros({3}, DType::float64), Contains("float32 and float64"));
  CHECK_THROWS_WITH(relu(Tensor::zeros({3}, DType::int32)), Contains("[relu]"));
  CHECK_THROWS_WITH(sum(x, {2}), Contains("[sum] axis 2 of (2, 3)"));
  CHECK_THROWS_WITH(sum(x, {1, -1}), Contains("twice"));
  CHECK_THROWS_WITH(expand(x, {4, 3}), Contains("[expand] (2, 3) to (4, 3)"));
  CHECK_THROWS_WITH(expand(x, {3}), Contains("[expand]"));
  CHECK_THROWS_WITH(max_pool2d(x, 2), Contains("(N, H, W, C)"));
  CHECK_THROWS_WITH(max_pool2d(image, 5), Contains("does not fit"));
  CHECK_THROWS_WITH(max_pool2d(image, 2, {1, 2}), Contains("padding 2"));
  CHECK_THROWS_WITH(concat({x, Tensor::zeros({2, 4})}, 0), Contains("(2, 3) and (2, 4)"));
  CHECK_THROWS_WITH(reshape(x, {4, 2}), Contains("[reshape]"));
  CHECK_THROWS_WITH(dropout(x, 1.5, {}, true), Contains("[dropout] p is 1.5"));
  CHECK_THROWS_WITH(
      batch_norm(x, Tensor::zeros({2}), Tensor::zeros({3}), {}, {}, {.training = true}),
      Contains("[batch_norm] gamma is (2), x is (2, 3)"));
  Tensor targets = Tensor::from(std::vector<int32_t>{0, 3}, {2});
  CHECK_THROWS_WITH(cross_entropy(x, targets),
                    Contains("[cross_entropy] target 3 of row 1 is out of range for 3 classes"));
  CHECK_THROWS_WITH(cross_entropy(x, x), Contains("int32") || Contains("targets"));
}

TEST_CASE("operations on empty tensors and outside training return what they should", "[ops]") {
  Tensor x = random_tensor({2, 3});
  CHECK(dropout(x, 0.5, {}, false).same(x));
  CHECK(dropout2d(x, 0.5, {}, false).same(x));
  Tensor empty = require_grad(Tensor::zeros({0, 5}));
  Tensor loss = cross_entropy(empty, Tensor::zeros({0}, DType::int32));
  CHECK(std::isnan(loss.item()));
  CHECK(grad_of(loss, {empty})[0].shape() == Shape{0, 5});
}

}  // namespace tweed
