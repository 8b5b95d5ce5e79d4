#include "autograd/conv.h"
#include "exercises/sheet.h"
#include "unfold.h"

namespace tweed::exercise {
namespace {

struct Window {
  int kernel, stride, padding;
  std::string text() const {
    return std::to_string(kernel) + "x" + std::to_string(kernel) + ", stride " +
           std::to_string(stride) + ", padding " + std::to_string(padding);
  }
};
constexpr int height = 7, width = 6, channels = 3;

std::size_t out(int size, const Window& w) {
  return std::size_t((size + 2 * w.padding - w.kernel) / w.stride + 1);
}
std::size_t columns_of(const Window& w) {
  return out(height, w) * out(width, w) * std::size_t(w.kernel * w.kernel * channels);
}

// Pixel (i, j, r, s, c) by its definition.
std::vector<double> windows(const std::vector<float>& x, const Window& w) {
  std::vector<double> all;
  for (std::size_t row = 0; row < out(height, w) * out(width, w); ++row)
    for (int k = 0; k < w.kernel * w.kernel * channels; ++k) {
      const int i = int(row / out(width, w)), j = int(row % out(width, w));
      const int c = k % channels, s = k / channels % w.kernel, r = k / channels / w.kernel;
      const int y = i * w.stride - w.padding + r, across = j * w.stride - w.padding + s;
      const bool inside = y >= 0 && y < height && across >= 0 && across < width;
      all.push_back(inside ? double(x[std::size_t((y * width + across) * channels + c)]) : 0);
    }
  return all;
}

void check_unfold(const Window& w) {
  auto x = numbers(height * width * channels, 1);
  expect_equal("unfold's result for " + w.text(),
               unfold(x, height, width, channels, w.kernel, w.stride, w.padding), windows(x, w), 0);
}

// If fold is unfold's backward pass, then <unfold(x), y> = <x, fold(y)> for all x and y. With a
// single pixel of x set, that is a single number of fold's result.
void check_fold(const Window& w) {
  const auto y = numbers(columns_of(w), 2);
  std::vector<double> expected;
  for (std::size_t i = 0; i < std::size_t(height * width * channels); ++i) {
    std::vector<float> x(height * width * channels, 0.f);
    x[i] = 1;
    const auto seen = windows(x, w);
    double sum = 0;
    for (std::size_t k = 0; k < y.size(); ++k) sum += seen[k] * double(y[k]);
    expected.push_back(sum);
  }
  expect_equal("fold's result for " + w.text(),
               fold(y, height, width, channels, w.kernel, w.stride, w.padding), expected, 1e-5);
}

}  // namespace

void check(Sheet& sheet) {
  sheet.part("unfold: 1x1, and 3x3 without padding", 2, [] {
    check_unfold({1, 1, 0});
    check_unfold({3, 1, 0});
  });
  sheet.part("unfold: strides and padding", 3, [] {
    for (Window w : {Window{3, 1, 1}, {3, 2, 1}, {5, 2, 2}, {2, 2, 0}}) check_unfold(w);
  });
  sheet.part("fold: windows that do not overlap", 2, [] {
    check_fold({1, 1, 0});
    check_fold({2, 2, 0});
  });
  sheet.part("fold: windows that overlap, where pixels add up", 3, [] {
    for (Window w : {Window{3, 1, 1}, {3, 2, 1}, {5, 2, 2}}) check_fold(w);
  });
  const auto x = numbers(32 * 32 * 16, 1);
  const Tensor image = Tensor::from(x, {1, 32, 32, 16});
  sheet.time([&] { unfold(x, 32, 32, 16, 3, 1, 1); }, [&] { tweed::unfold(image, 3, 1, 1); });
}

}  // namespace tweed::exercise
