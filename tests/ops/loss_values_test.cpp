// What rows of op_cases.h cannot say about losses: NaN and infinity, ties, long inputs, bits for
// any number of threads, errors.
#include <omp.h>

#include <cmath>
#include <functional>

#include "autograd/loss.h"
#include "autograd/reduce.h"
#include "tests/catch.h"
#include "tests/ops/on_all.h"

namespace tweed {
namespace {

using Doubles = std::vector<double>;
using Labels = std::vector<int32_t>;
const double nan = NAN, inf = INFINITY;

// On each device in each dtype: `of` makes a tensor there, `labels` targets.
template <class F>
void with_makers(F f) {
  on_all([&](Device device, DType dtype) {
    auto of = [&](const Doubles& v, const Shape& s) {
      return Tensor::from(v, s).to(dtype).to(device);
    };
    auto labels = [&](const Labels& v) { return Tensor::from(v, {int64_t(v.size())}, device); };
    f(of, labels, dtype == DType::bfloat16 ? 1e-2 : 1e-6);
  });
}

std::string wrong(const Tensor& y, const Doubles& wanted, double tolerance) {
  return difference(y.to_doubles(), wanted, tolerance);
}

}  // namespace

TEST_CASE("mixed labels are probabilities", "[ops]") {
  with_makers([](auto of, auto labels, double tolerance) {
    const Tensor like = of({0}, {1}), first = labels({0, 2, 1}), second = labels({1, 2, 9});
    const Tensor share = Tensor::from<float>({0.25f, 0.5f, 0.125f}, {3}, like.device());
    const Tensor p = mixed_labels(first, second, share, 3, like.dtype());
    CHECK(wrong(p, {0.75, 0.25, 0, 0, 0, 1, 0, 0.875, 0}, tolerance) == "");
    CHECK(p.dtype() == like.dtype());
    CHECK_THROWS_WITH(mixed_labels(first, labels({1}), share, 3),
                      Contains("[mixed_labels] shapes"));
    CHECK_THROWS_WITH(mixed_labels(first, second, share, 0), Contains("0 classes"));
  });
}

TEST_CASE("cross-entropy passes NaN and infinity as PyTorch does", "[ops]") {
  with_makers([](auto of, auto labels, double tolerance) {
    const Tensor x = require_grad(of({1, -inf, 2}, {1, 3}));
    struct {
      Tensor loss;
      double value;
      Doubles gradient;
    } cases[] = {
        {cross_entropy(x, labels({0})), 1.3132617, {-0.7310586, 0, 0.7310586}},
        {cross_entropy(x, labels({1})), inf, {0.2689414, -1, 0.7310586}},
        {cross_entropy(x, labels({0}), {0.1}), inf, {-0.6643919, -0.0333333, 0.6977253}},
        {cross_entropy(x, labels({0}), {0, of({0, 1, 2}, {3})}), nan, {nan, nan, nan}},
        {cross_entropy_soft(x, of({0.5, 0, 0.5}, {1, 3})), nan, {-0.2310586, 0, 0.2310586}},
        {cross_entropy_soft(x, of({0.5, 0.25, 0.25}, {1, 3})), inf, {-0.2310586, -0.25, 0.4810586}},
    };
    for (auto& c : cases) {
      CHECK(wrong(c.loss, {c.value}, tolerance) == "");
      CHECK(wrong(grad_of(c.loss, {x})[0], c.gradient, tolerance) == "");
    }
    for (double bad : {nan, inf})
      CHECK(std::isnan(cross_entropy_soft(of({1, bad}, {1, 2}), of({1, 0}, {1, 2})).item()));
    CHECK(std::isnan(cross_entropy_soft(of({}, {0, 2}), of({}, {0, 2})).item()));
  });
}

TEST_CASE("differences and divergences pass NaN and infinity as PyTorch does", "[ops]") {
  with_makers([](auto of, auto, double tolerance) {
    CHECK(wrong(mse_loss(of({1, inf}, {2}), of({1, 2}, {2})), {inf}, 0) == "");
    CHECK(wrong(mse_loss(of({1, inf}, {2}), of({1, inf}, {2})), {nan}, 0) == "");
    CHECK(wrong(mse_loss(of({}, {0}), of({}, {0})), {nan}, 0) == "");

    const Tensor log_q = require_grad(of({-1, -2, -inf}, {1, 3}));
    const Tensor p = require_grad(of({0, 0.5, 0.5}, {1, 3}));
    const Tensor loss = kl_div(log_q, p);
    CHECK(wrong(loss, {inf}, 0) == "");
    const auto gradients = grad_of(loss, {log_q, p});
    CHECK(wrong(gradients[0], {0, -0.5, -0.5}, 0) == "");
    CHECK(wrong(gradients[1], {nan, 2.3068528, inf}, tolerance) == "");
    CHECK(wrong(kl_div(of({-3, 0}, {1, 2}), of({0, 1}, {1, 2})), {0}, 0) == "");
    CHECK(wrong(kl_div(of({-inf, 0}, {1, 2}), of({0, 1}, {1, 2})), {nan}, 0) == "");
    CHECK(wrong(kl_div(of({-1, 0}, {1, 2}), of({-0.5, 1}, {1, 2})), {nan}, 0) == "");
    CHECK(wrong(kl_div(of({}, {0, 2}), of({}, {0, 2})), {nan}, 0) == "");
  });
}

TEST_CASE("ignored rows have no influence, whatever stands in them", "[ops]") {
  with_makers([](auto of, auto labels, double tolerance) {
    const Tensor x = require_grad(of({nan, 1, inf, 1, 2, 3}, {2, 3}));
    for (int32_t ignored : {0, -100, 255}) {
      const Tensor targets = labels({ignored, 1});
      const auto none = Reduce::none;
      for (const Tensor& loss :
           {cross_entropy(x, targets, {.ignore_index = ignored}),
            sum(cross_entropy(x, targets, {.reduce = none, .ignore_index = ignored}))}) {
        CHECK(wrong(loss, {1.4076060}, tolerance) == "");
        CHECK(wrong(grad_of(loss, {x})[0], {0, 0, 0, 0.0900306, -0.7552715, 0.6652410},
                    tolerance) == "");
      }
      const Tensor nll = nll_loss(x, targets, {.ignore_index = ignored});
      CHECK(wrong(nll, {-2}, 0) == "");
      CHECK(wrong(grad_of(nll, {x})[0], {0, 0, 0, 0, -1, 0}, 0) == "");
      const Tensor all = labels({ignored, ignored});
      CHECK(std::isnan(cross_entropy(x, all, {.ignore_index = ignored}).item()));
      CHECK(cross_entropy(x, all, {.reduce = Reduce::sum, .ignore_index = ignored}).item() == 0);
      CHECK(std::isnan(nll_loss(x, all, {.ignore_index = ignored}).item()));
    }
  });
}

TEST_CASE("losses of two tensors pass NaN and infinity as PyTorch does", "[ops]") {
  with_makers([](auto of, auto, double tolerance) {
    auto smooth = [](auto& x, auto& y) { return smooth_l1_loss(x, y); };
    auto l1 = [](auto& x, auto& y) { return l1_loss(x, y); };
    auto bce = [](auto& x, auto& y) { return bce_with_logits(x, y); };
    struct {
      std::function<Tensor(const Tensor&, const Tensor&)> f;
      double x, y, loss, dx, dy;
    } cases[] = {
        {l1, nan, 0, nan, 0, 0},
        {l1, 0, nan, nan, 0, 0},
        {l1, -inf, 1, inf, -1, 1},
        {l1, inf, inf, nan, 0, 0},
        {l1, 0.5, 0.5, 0, 0, 0},
        {smooth, nan, 0, nan, nan, nan},
        {smooth, -inf, 1, inf, -1, 1},
        {smooth, inf, inf, nan, nan, nan},
        {smooth, 0.5, 0.5, 0, 0, 0},
        {smooth, 1, 0, 0.5, 1, -1},
        {bce, nan, 0, nan, nan, nan},
        {bce, 0, nan, nan, nan, 0},
        {bce, inf, 0, inf, 1, -inf},
        {bce, inf, 1, nan, 0, -inf},
        {bce, -inf, 0, nan, 0, inf},
        {bce, -inf, 1, nan, -1, inf},
        {bce, 0.5, 0.5, 0.724077, 0.1224593, -0.5},
        {bce, -1000, 0, 0, 0, 1000},
        {bce, 1000, 0.5, 500, 0.5, -1000},
    };
    for (auto& c : cases) {
      INFO(c.x << ", " << c.y << ": " << c.loss);
      const Tensor x = require_grad(of({c.x}, {1})), y = require_grad(of({c.y}, {1}));
      const Tensor loss = c.f(x, y);
      CHECK(wrong(loss, {c.loss}, tolerance) == "");
      const auto gradients = grad_of(loss, {x, y});
      CHECK(wrong(gradients[0], {c.dx}, tolerance) == "");
      CHECK(wrong(gradients[1], {c.dy}, tolerance) == "");
    }
    const Tensor x = of({nan, 1, 2}, {1, 3}), target = Tensor::zeros({1}, DType::int32, x.device());
    CHECK(std::isnan(multi_margin_loss(x, target).item()));
    for (const Tensor& empty :
         {l1_loss(of({}, {0}), of({}, {0})), smooth_l1_loss(of({}, {0}), of({}, {0})),
          bce_with_logits(of({}, {0}), of({}, {0}), {.weight = of({1}, {1})})})
      CHECK(std::isnan(empty.item()));
  });
}

TEST_CASE("a margin knows its rival, its bound, NaN and infinity", "[ops]") {
  with_makers([](auto of, auto labels, double) {
    struct {
      Doubles logits;
      int32_t target;
      double kappa;
      bool targeted;
      double loss;
      Doubles gradient;
    } cases[] = {
        {{1, 4, 2}, 1, 0, false, 2, {0, 1, -1}},
        {{1, 4, 2}, 1, 0, true, 0, {0, 0, 0}},    // already the target, by more than kappa
        {{1, 4, 2}, 1, 3, true, -2, {0, -1, 1}},  // not yet by kappa
        {{1, 4, 2}, 1, 2, true, -2, {0, -1, 1}},  // by kappa exactly
        {{1, 4, 2}, 0, 1, false, -1, {0, 0, 0}},  // far enough from the target
        {{3, 3, 3}, 0, 0, false, 0, {1, -1, 0}},  // ties: the first other
        {{3, 3, 3}, 2, 0, true, 0, {1, 0, -1}},
        {{nan, 1, 2}, 0, 0, false, nan, {0, 0, 0}},
        {{nan, 1, 2}, 1, 0, false, nan, {0, 0, 0}},
        {{1, inf, 2}, 1, 0, false, inf, {0, 1, -1}},
        {{1, inf, 2}, 0, 5, false, -5, {0, 0, 0}},
        {{1, -inf, -inf}, 0, 0, false, inf, {1, -1, 0}},
        {{-inf, -inf, -inf}, 0, 0, false, nan, {0, 0, 0}},
    };
    for (auto& c : cases) {
      const Tensor x = require_grad(of(c.logits, {1, 3}));
      const Tensor loss = margin_loss(x, labels({c.target}), c.kappa, c.targeted);
      CHECK(wrong(loss, {c.loss}, 0) == "");
      CHECK(wrong(grad_of(loss, {x})[0], c.gradient, 0) == "");
    }
    CHECK(std::isnan(margin_loss(of({}, {0, 2}), labels({})).item()));
  });
}

TEST_CASE("losses over many pieces are those of a plain loop, for any number of threads", "[ops]") {
  const Shape shape = {29, 1500};
  const Tensor x = random_tensor(shape, DType::float64, {}, 1);
  const Tensor y = random_tensor(shape, DType::float64, {}, 2, 0.1, 1);
  const Doubles a = x.to_doubles(), b = y.to_doubles();
  double squares = 0, divergence = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    squares += (a[i] - b[i]) * (a[i] - b[i]) / double(a.size());
    divergence += b[i] * std::log(b[i] / std::exp(a[i])) / 29;
  }
  const int before = omp_get_max_threads();
  for (DType dtype : {DType::float64, DType::float32, DType::bfloat16}) {
    const double tolerance = dtype == DType::float64   ? 1e-13
                             : dtype == DType::float32 ? 2e-6
                                                       : 1e-2;
    std::vector<Tensor> results[2];
    for (int threads : {1, 3}) {
      omp_set_num_threads(threads);
      auto& now = results[threads == 3];
      const Tensor u = require_grad(x.to(dtype).clone()), v = y.to(dtype);
      for (const Tensor& loss : {mse_loss(u, v), kl_div(u, v), cross_entropy_soft(u, v, {0.1}),
                                 margin_loss(u, Tensor::full({29}, 7, DType::int32), 0.5)}) {
        now.push_back(loss.detach());
        now.push_back(grad_of(loss, {u})[0]);
      }
      CHECK(wrong(now[0], {squares}, tolerance) == "");
      CHECK(wrong(now[2], {divergence}, tolerance) == "");
    }
    for (std::size_t i = 0; i < results[0].size(); ++i)
      CHECK(same_bits(results[0][i], results[1][i]));
  }
  omp_set_num_threads(before);
}

TEST_CASE("losses say what is wrong with their arguments", "[ops]") {
  const Tensor x = Tensor::zeros({2, 3}), targets = Tensor::zeros({2}, DType::int32);
  auto weights = [](const Tensor& w) { return CrossEntropyOptions{0, w}; };
  CHECK_THROWS_WITH(cross_entropy(x, targets, {1.5}),
                    Contains("[cross_entropy] label smoothing 1.5 not in [0, 1]"));
  CHECK_THROWS_WITH(cross_entropy_soft(x, x, {nan}), Contains("label smoothing nan"));
  CHECK_THROWS_WITH(cross_entropy(x, targets, weights(Tensor::zeros({2}))),
                    Contains("[cross_entropy] class weights are (2) for 3 classes"));
  CHECK_THROWS_WITH(cross_entropy(x, targets, weights(Tensor::zeros({3}, DType::float64))),
                    Contains("[cross_entropy] dtypes float32 and float64"));
  CHECK_THROWS_WITH(cross_entropy_soft(x, Tensor::zeros({3, 3})),
                    Contains("[cross_entropy_soft] logits are (2, 3), probabilities (3, 3)"));
  CHECK_THROWS_WITH(cross_entropy_soft(x, targets), Contains("float32 and int32"));
  CHECK_THROWS_WITH(cross_entropy_soft(targets, targets), Contains("(N, classes)"));
  CHECK_THROWS_WITH(mse_loss(x, Tensor::zeros({3})), Contains("[mse_loss] shapes (2, 3) and (3)"));
  CHECK_THROWS_WITH(mse_loss(targets, targets), Contains("[mse_loss] needs a floating dtype"));
  CHECK_THROWS_WITH(kl_div(Tensor::zeros({}), Tensor::zeros({})),
                    Contains("[kl_div] log_q has no axes"));
  CHECK_THROWS_WITH(cross_entropy(x, Tensor::full({2}, -100, DType::int32)),
                    Contains("[cross_entropy] target -100 of row 0 is out of range"));
  CHECK_THROWS_WITH(cross_entropy(x, Tensor::full({2}, 3, DType::int32), {.ignore_index = -100}),
                    Contains("[cross_entropy] target 3 of row 0 is out of range"));
  CHECK_THROWS_WITH(cross_entropy_soft(x, x, {.ignore_index = 1}),
                    Contains("ignore_index is 1, but targets are probabilities"));
  CHECK_THROWS_WITH(nll_loss(x, Tensor::zeros({3}, DType::int32)),
                    Contains("[nll_loss] logits are (2, 3), targets (3)"));
  CHECK_THROWS_WITH(nll_loss(x, targets, {Tensor::zeros({2})}),
                    Contains("[nll_loss] class weights are (2) for 3 classes"));
  CHECK_THROWS_WITH(multi_margin_loss(x, targets, {.p = 3}),
                    Contains("[multi_margin_loss] p is 3, not 1 or 2"));
  CHECK_THROWS_WITH(l1_loss(x, Tensor::zeros({3})), Contains("[l1_loss] shapes (2, 3) and (3)"));
  CHECK_THROWS_WITH(smooth_l1_loss(x, x, nan), Contains("[smooth_l1_loss] beta is nan"));
  CHECK_THROWS_WITH(bce_with_logits(x, x, {.pos_weight = Tensor::zeros({2})}),
                    Contains("[bce_with_logits] pos_weight is (2), logits are (2, 3)"));
  CHECK_THROWS_WITH(bce_with_logits(x, x, {.weight = Tensor::zeros({3}, DType::float64)}),
                    Contains("[bce_with_logits] dtypes float32 and float64"));
  CHECK_THROWS_WITH(margin_loss(Tensor::zeros({2, 1}), targets),
                    Contains("[margin_loss] logits are (2, 1): no class but the target"));
  CHECK_THROWS_WITH(
      margin_loss(Tensor::zeros({0, (1 << 24) + 1}), Tensor::zeros({0}, DType::int32)),
      Contains("[margin_loss] 16777217 classes are more than 16777216"));
  CHECK_THROWS_WITH(margin_loss(x, targets, -1), Contains("[margin_loss] kappa is -1"));
  CHECK_THROWS_WITH(margin_loss(x, Tensor::full({2}, 3, DType::int32)),
                    Contains("[margin_loss] target 3 of row 0 is out of range for 3 classes"));
}

}  // namespace tweed
