#include <algorithm>
#include <cmath>

#include "autograd/conv.h"
#include "conv_kernel.h"
#include "exercises/sheet.h"

namespace tweed::exercise {
namespace {

struct Case {
  explicit Case(const ConvShape& s)
      : shape(s), x(numbers(pixels() * conv_in, 1)), w(numbers(conv_out * 9 * conv_in, 2)) {}
  ConvShape shape;
  std::vector<float> x, w;

  std::size_t pixels() const { return std::size_t(shape.images * shape.height * shape.width); }
  std::vector<float> computed() {
    auto y = unwritten(pixels() * conv_out);
    on_simulator([&](Sim& sim) { conv_kernel<Sim>(sim, shape, x, w, y); });
    return y;
  }
  /// @param within_tile  as if there was nothing beyond the tile
  double sum(int n, int i, int j, int o, bool within_tile = false) const {
    double sum = 0;
    for (int r = 0; r < 3; ++r)
      for (int s = 0; s < 3; ++s) {
        const int row = i + r - 1, column = j + s - 1;
        if (row < 0 || row >= shape.height || column < 0 || column >= shape.width) continue;
        if (within_tile && (row / 8 != i / 8 || column / 8 != j / 8)) continue;
        const int pixel = (n * shape.height + row) * shape.width + column;
        for (int c = 0; c < conv_in; ++c)
          sum += double(x[std::size_t(pixel * conv_in + c)]) *
                 double(w[std::size_t(((o * 3 + r) * 3 + s) * conv_in + c)]);
      }
    return sum;
  }
  std::string text() const {
    return "y of " + std::to_string(shape.images) +
           (shape.images == 1 ? " image of " : " images of ") + std::to_string(shape.height) + "x" +
           std::to_string(shape.width);
  }
};

// Names a wrong result's pixel, and what may have gone wrong there.
std::string advice_for(const Case& c, int n, int i, int j, int o, float got) {
  const std::string where = " That is channel " + std::to_string(o) + " of pixel (" +
                            std::to_string(i) + ", " + std::to_string(j) + ")";
  if (std::abs(double(got) - c.sum(n, i, j, o, true)) < 1e-4)
    return where +
           ", without the pixels of the next tile that its window reaches: so the halo has to be "
           "loaded, too.";
  if (i == 0 || j == 0 || i == c.shape.height - 1 || j == c.shape.width - 1)
    return where + ", at the image's border: what is outside counts as 0.";
  return where + ".";
}

void values(Case c) {
  const auto y = c.computed();
  std::vector<double> wanted;
  std::string where;
  for (int n = 0; n < c.shape.images; ++n)
    for (int i = 0; i < c.shape.height; ++i)
      for (int j = 0; j < c.shape.width; ++j)
        for (int o = 0; o < conv_out; ++o) {
          const float got = y[wanted.size()];
          wanted.push_back(c.sum(n, i, j, o));
          if (where.empty() && !(std::abs(double(got) - wanted.back()) < 1e-4))
            where = advice_for(c, n, i, j, o, got);
        }
  try {
    expect_equal(c.text(), y, wanted, 1e-4);
  } catch (const Wrong& wrong) {
    const bool blank = wrong.advice.find("blank") != std::string::npos;
    throw Wrong{blank ? wrong.advice : wrong.advice + where};
  }
}

// Tweed's own, whose values are PyTorch's.
void like_tweed() {
  Case c({2, 19, 10});
  const Tensor own = conv2d(Tensor::from(c.x, {2, 19, 10, conv_in}),
                            Tensor::from(c.w, {conv_out, 3, 3, conv_in}), {}, {.padding = 1});
  expect_equal(c.text(), c.computed(), own.to_doubles(), 1e-4);
}

void without_conflicts() {
  Case c({1, 16, 16});
  auto y = unwritten(c.pixels() * conv_out);
  int64_t accesses = 0;
  const Conflicts conflicts =
      conflicts_of([&](Sim& sim) { conv_kernel<Sim>(sim, c.shape, c.x, c.w, y); }, &accesses);
  values(c);
  expect(accesses > 0,
         "No shared memory is used: each pixel is then read nine times by each of 32 channels.");
  // Where filters are loaded, a warp may come upon a word that nobody uses, and wrap around by one.
  expect(conflicts.count * 20 <= accesses,
         "Lanes of a warp want different words of one bank " + std::to_string(conflicts.count) +
             " times, most in " + conflicts.line +
             ". Lanes are channels, so they read the same tap of 32 filters. If a filter takes 72 "
             "words, "
             "every fourth begins in the same bank. How many words may one take, so that no two "
             "do?");
}

// What a block loads, if it loads each number once: filters, and the pixels of its tile and halo.
int64_t tile_bytes(const ConvShape& shape) {
  int64_t pixels = 0, tiles = 0;
  for (int top = 0; top < shape.height; top += 8)
    for (int left = 0; left < shape.width; left += 8) {
      auto reach = [](int first, int size) {
        return std::min(first + 9, size) - std::max(first - 1, 0);
      };
      pixels += reach(top, shape.height) * reach(left, shape.width);
      ++tiles;
    }
  return 4 * shape.images * (pixels * conv_in + tiles * conv_out * 9 * conv_in);
}

}  // namespace

void check(Sheet& sheet) {
  sheet.part("one image of 8x8: one tile", 2, [] { values(Case({1, 8, 8})); });
  sheet.part("two images of 16x24: tiles that need each other's pixels", 2, [] {
    values(Case({2, 16, 24}));
  });
  sheet.part("images of 1x1, 7x9, 13x8 and 17x3 pixels, and five of 9x5", 2, [] {
    for (ConvShape s : {ConvShape{1, 1, 1}, {2, 7, 9}, {1, 13, 8}, {3, 17, 3}, {5, 9, 5}})
      values(Case(s));
  });
  sheet.part("the numbers of Tweed's own", 1, like_tweed);
  sheet.part("without bank conflicts", 2, without_conflicts);
  Case c({1, 32, 32});
  const int64_t results = int64_t(c.pixels()) * conv_out * 4;
  sheet.bytes_moved(
      int64_t(c.x.size() + c.w.size()) * 4 + results, [&] { values(c); },
      {.bytes = tile_bytes(c.shape) + results,
       .points = 1,
       .advice = "A block reads its filters and the pixels of its tile once, and "
                 "10 x 10 pixels for 8 x 8 results: the halo costs half as much again."});
}

}  // namespace tweed::exercise
