#include <cmath>

#include "autograd/loss.h"
#include "cross_entropy.h"
#include "exercises/sheet.h"

namespace tweed::exercise {
namespace {

struct Case {
  std::vector<float> logits;
  std::vector<int32_t> labels;
  int classes;
};

Case usual(float scale) {
  Case c{numbers(6 * 5, 3), {0, 4, 2, 2, 1, 3}, 5};
  for (float& v : c.logits) v *= scale;
  return c;
}

// Tweed's own, which is held against PyTorch's results.
void against_tweed(const Case& c) {
  const auto n = int64_t(c.labels.size());
  const Tensor x = Tensor::from(c.logits, {n, c.classes});
  require_grad(x);
  const Tensor loss = tweed::cross_entropy(x, Tensor::from(c.labels, {n}));
  backward(loss);
  auto gradient = unwritten(c.logits.size());
  const float got = exercise::cross_entropy(c.logits, c.labels, c.classes, gradient);
  expect_equal("the loss", {got}, {loss.item()}, 1e-5);
  expect_equal("the gradient", gradient, grad(x).to_doubles(), 1e-5);
}

void time_both_ways(Sheet& sheet) {
  const int rows = 512, classes = 100;
  const Case c{numbers(std::size_t(rows * classes), 3), std::vector<int32_t>(rows, 7), classes};
  auto gradient = unwritten(c.logits.size());
  const Tensor x = require_grad(Tensor::from(c.logits, {rows, classes}));
  const Tensor labels = Tensor::from(c.labels, {rows});
  sheet.time([&] { exercise::cross_entropy(c.logits, c.labels, classes, gradient); },
             [&] { grad_of(tweed::cross_entropy(x, labels), {x}); });
}

}  // namespace

void check(Sheet& sheet) {
  sheet.part("loss and gradient of a batch", 5, [] { against_tweed(usual(1)); });
  sheet.part("the gradient is the slope of the loss, by central differences", 2, [] {
    Case c = usual(1);
    auto gradient = unwritten(c.logits.size()), ignored = gradient;
    exercise::cross_entropy(c.logits, c.labels, c.classes, gradient);
    std::vector<double> slopes;
    for (float& v : c.logits) {
      const float before = v, step = 1e-2f;
      v = before + step;
      const double above = double(exercise::cross_entropy(c.logits, c.labels, c.classes, ignored));
      v = before - step;
      const double below = double(exercise::cross_entropy(c.logits, c.labels, c.classes, ignored));
      v = before;
      slopes.push_back((above - below) / (2 * double(step)));
    }
    expect_equal("the gradient", gradient, slopes, 1e-3);
  });
  sheet.part("logits of 1,000, whose exponentials no float can hold", 3, [] {
    const Case c = usual(1000);
    auto gradient = unwritten(c.logits.size());
    const float got = exercise::cross_entropy(c.logits, c.labels, c.classes, gradient);
    expect(std::isfinite(got),
           "The loss is not finite: exp(1000) is infinity. exp(a) / exp(b) is exp(a - b), so the "
           "largest logit of a row may be taken off all of them.");
    against_tweed(c);
  });
  time_both_ways(sheet);
}

}  // namespace tweed::exercise
