#include <cmath>

#include "exercises/sheet.h"
#include "tensor_core.h"

namespace tweed::exercise {
namespace {

// Numbers that TF32 holds, and whose products and sums a float does: results have to be exact.
std::vector<float> coarse(std::size_t n, uint32_t seed) {
  auto x = numbers(n, seed);
  for (float& v : x) v = std::round(v * 16) / 16;
  return x;
}

struct Product {
  int rows, columns, k;
  std::vector<float> a = coarse(std::size_t(rows * k), 1), b = coarse(std::size_t(k * columns), 2);

  std::vector<double> expected() const {
    std::vector<double> c(std::size_t(rows * columns));
    for (int i = 0; i < rows; ++i)
      for (int j = 0; j < columns; ++j)
        for (int l = 0; l < k; ++l)
          c[std::size_t(i * columns + j)] +=
              double(a[std::size_t(i * k + l)]) * double(b[std::size_t(l * columns + j)]);
    return c;
  }
  void check(const std::string& advice) {
    auto c = unwritten(std::size_t(rows * columns));
    on_simulator([&](Sim& sim) { tensor_core_product<Sim>(sim, rows, columns, k, a, b, c); });
    try {
      expect_equal("c", c, expected(), 1e-6);
    } catch (const Wrong& wrong) {
      const bool blank = wrong.advice.find("blank") != std::string::npos;
      throw Wrong{blank ? wrong.advice : wrong.advice + advice};
    }
  }
};

// One number in a is 1, so that a column of b comes out in one row: which lane took it for what?
void one_number() {
  for (int row : {0, 3, 8, 13})
    for (int l : {0, 2, 4, 7}) {
      Product p{16, 8, 8};
      p.a.assign(p.a.size(), 0);
      p.a[std::size_t(row * 8 + l)] = 1;
      p.check(" Only a(" + std::to_string(row) + ", " + std::to_string(l) +
              ") is not 0 here, so row " + std::to_string(row) + " of c is row " +
              std::to_string(l) + " of b. Are a[1] and a[2] exchanged? Or columns and rows of b?");
    }
}

}  // namespace

void check(Sheet& sheet) {
  sheet.part("one number of a at a time", 3, one_number);
  sheet.part("16 x 8 times 8 x 8, one instruction", 3, [] { Product{16, 8, 8}.check(""); });
  sheet.part("k of 40: five steps", 2, [] {
    Product{16, 8, 40}.check(" With k of 8 it is right or wrong as above; here sums go on.");
  });
  sheet.part("many tiles: 48 x 24", 2, [] {
    Product{48, 24, 16}.check(" A warp's tile begins at row `top` and column `left`.");
  });
  sheet.bytes_moved((48 * 16 + 16 * 24 + 48 * 24) * 4, [] { Product{48, 24, 16}.check(""); });
}

}  // namespace tweed::exercise
