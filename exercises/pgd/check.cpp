#include <algorithm>
#include <cmath>

#include "exercises/sheet.h"
#include "pgd.h"

namespace tweed::exercise {
namespace {

constexpr float eps = 8 / 255.f, stride = 2 / 255.f;

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

Image attacked(int steps) {
  const Bowl bowl;
  return pgd(
      picture(), [&](const Image& x) { return bowl.gradient(x); }, eps, stride, steps);
}

}  // namespace

void check(Sheet& sheet) {
  sheet.part("the loss rises", 3, [] {
    const Bowl bowl;
    const Image x = picture(), y = attacked(10);
    expect(y.size() == x.size(), "The result has not as many pixels as the image.");
    expect(y != x, "Nothing changed: are steps taken from the attacked image?");
    expect(bowl.loss(y) > bowl.loss(x),
           "The loss fell from " + std::to_string(bowl.loss(x)) + " to " +
               std::to_string(bowl.loss(y)) +
               ": that helps the network. Of four published student attacks two had this sign.");
  });
  sheet.part("no pixel changes by more than eps, and all stay in 0..1", 3, [] {
    const Image x = picture(), y = attacked(10);
    for (std::size_t i = 0; i < x.size(); ++i) {
      const std::string pixel = "Pixel " + std::to_string(i);
      expect(
          std::abs(y[i] - x[i]) <= eps + 1e-6f,
          pixel + " changed by " + std::to_string(std::abs(y[i] - x[i]) * 255) +
              "/255, more than 8/255: after each step go back to within eps of the original, not "
              "of the last step's image.");
      expect(y[i] >= 0 && y[i] <= 1, pixel + " became " + std::to_string(y[i]) +
                                         ", which is no pixel: they reach from 0 to 1.");
    }
  });
  sheet.part("ten steps, each of them by the sign of a new gradient", 4, [] {
    const Bowl bowl;
    const Image x = picture();
    std::vector<double> expected(x.begin(), x.end());
    for (int k = 0; k < 10; ++k)
      for (std::size_t i = 0; i < x.size(); ++i) {
        const double slope = double(bowl.w[i]) * (expected[i] - double(bowl.m[i]));
        const double way = (slope > 0) - (slope < 0), from = double(x[i]);
        const double moved =
            std::clamp(expected[i] + double(stride) * way, from - double(eps), from + double(eps));
        expected[i] = std::clamp(moved, 0., 1.);
      }
    expect_equal("the attacked image", attacked(10), expected, 1e-5);
    int calls = 0;
    pgd(
        x, [&](const Image& y) { return ++calls, bowl.gradient(y); }, eps, stride, 7);
    expect(calls == 7, "For 7 steps the gradient was asked for " + std::to_string(calls) +
                           " times: it belongs to where the image is now.");
  });
}

}  // namespace tweed::exercise
