#include <algorithm>
#include <cmath>
#include <sstream>

#include "exercises/sheet.h"
#include "pgd.h"

namespace tweed::exercise {
namespace {

struct Budget {
  float eps = 8 / 255.f, stride = 2 / 255.f;
  int steps = 10;
};

// Loss = sum of w (x - m)^2: its slope turns round on the way.
struct Bowl {
  std::vector<float> w = numbers(48, 5), m = numbers(48, 6);
  double loss(const Image& x) const {
    double sum = 0;
    for (std::size_t i = 0; i < x.size(); ++i)
      sum += double(w[i]) * double(x[i] - m[i]) * double(x[i] - m[i]);
    return sum;
  }
  Image gradient(const Image& x) const {
    Image g(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) g[i] = 2 * w[i] * (x[i] - m[i]);
    return g;
  }
};

Image picture() {
  Image x = numbers(48, 7);
  for (float& v : x) v = 0.5f + 0.5f * v;
  x[0] = 0;
  x[1] = 1;  // pixels at both ends
  return x;
}

template <class Gradient>
Image attacked(const Gradient& gradient, const Budget& budget = {}) {
  Image y = pgd(picture(), gradient, budget.eps, budget.stride, budget.steps);
  expect(y.size() == picture().size(), "The result has not as many pixels as the image.");
  return y;
}
Image attacked(const Bowl& bowl, const Budget& budget = {}) {
  return attacked([&](const Image& x) { return bowl.gradient(x); }, budget);
}

std::vector<double> by_hand(const Bowl& bowl, const Budget& budget) {
  const Image x = picture();
  const double eps = double(budget.eps), stride = double(budget.stride);
  std::vector<double> y(x.begin(), x.end());
  for (int k = 0; k < budget.steps; ++k)
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double slope = double(bowl.w[i]) * (y[i] - double(bowl.m[i])), from = double(x[i]);
      const double way = (slope > 0) - (slope < 0);
      y[i] = std::clamp(std::clamp(y[i] + stride * way, from - eps, from + eps), 0., 1.);
    }
  return y;
}

void loss_rises() {
  const Bowl bowl;
  const Image x = picture(), y = attacked(bowl);
  expect(y != x, "Nothing changed: are steps taken from the attacked image?");
  expect(bowl.loss(y) > bowl.loss(x),
         "The loss fell from " + std::to_string(bowl.loss(x)) + " to " +
             std::to_string(bowl.loss(y)) +
             ": that helps the network. Of four published student attacks two had this sign.");
}

void within_bounds(const Budget& budget) {
  const Image x = picture(), y = attacked(Bowl(), budget);
  for (std::size_t i = 0; i < x.size(); ++i) {
    const std::string pixel = "Pixel " + std::to_string(i);
    expect(std::abs(y[i] - x[i]) <= budget.eps + 1e-6f,
           pixel + " changed by " + std::to_string(std::abs(y[i] - x[i]) * 255) +
               "/255, more than " + std::to_string(std::lround(budget.eps * 255)) +
               "/255: after each step go back to within eps of the original, not "
               "of the last step's image.");
    expect(y[i] >= 0 && y[i] <= 1, pixel + " became " + std::to_string(y[i]) +
                                       ", which is no pixel: they reach from 0 to 1.");
  }
}

void right_steps() {
  const Bowl bowl;
  expect_equal("the attacked image", attacked(bowl), by_hand(bowl, {}), 1e-5);
  for (const Budget& other : {Budget{3 / 255.f, 2 / 255.f, 2}, {40 / 255.f, 5 / 255.f, 6}}) {
    try {
      expect_equal("the attacked image", attacked(bowl, other), by_hand(bowl, other), 1e-5);
    } catch (const Wrong& wrong) {
      throw Wrong{wrong.advice +
                  " With eps 8/255 and ten steps of 2/255 all is right, with others "
                  "not: are all three numbers those that pgd() is given?"};
    }
  }
  int calls = 0;
  attacked([&](const Image& y) { return ++calls, bowl.gradient(y); }, {.steps = 7});
  expect(calls == 7, "For 7 steps the gradient was asked for " + std::to_string(calls) +
                         " times: it belongs to where the image is now.");
}

// Of a network that is sure of itself gradients are tiny, and of a pixel that it does not look at
// 0.
void only_the_sign() {
  const Image x = picture();
  auto moved_by = [](float slope) {
    return attacked([&](const Image& at) { return Image(at.size(), slope); });
  };
  expect(moved_by(0) == x,
         "Pixels whose gradient is 0 have moved: sign(0) is 0, and they stay where they are.");
  for (float slope : {1e-12f, -1e-30f, 2e-38f}) {
    std::vector<double> wanted;
    for (float v : x)
      wanted.push_back(std::clamp(double(v) + std::copysign(8 / 255., double(slope)), 0., 1.));
    try {
      expect_equal("the attacked image", moved_by(slope), wanted, 1e-5);
    } catch (const Wrong& wrong) {
      std::ostringstream text;
      text << wrong.advice << " All gradients are " << slope
           << " here, and only their sign counts: a step is as long as for large ones.";
      throw Wrong{text.str()};
    }
  }
}

}  // namespace

void check(Sheet& sheet) {
  sheet.part("the loss rises", 3, loss_rises);
  sheet.part("no pixel changes by more than eps, and all stay in 0..1", 3, [] {
    within_bounds({});
    within_bounds({.eps = 30 / 255.f, .stride = 4 / 255.f});
  });
  sheet.part("ten steps, and others, each by the sign of a new gradient", 3, right_steps);
  sheet.part("gradients that are tiny, or 0", 1, only_the_sign);
}

}  // namespace tweed::exercise
