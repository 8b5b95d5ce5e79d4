#include <algorithm>
#include <cmath>

#include "exercises/sheet.h"
#include "softmax.h"

namespace tweed::exercise {
namespace {

void rows_of(int columns, float scale) {
  const std::size_t rows = 3, n = std::size_t(columns);
  auto x = numbers(rows * n, 1);
  for (float& v : x) v *= scale;
  std::vector<double> expected;
  for (std::size_t r = 0; r < rows; ++r) {
    const float* row = &x[r * n];
    const double largest = double(*std::max_element(row, row + n));
    double sum = 0;
    for (std::size_t i = 0; i < n; ++i) sum += std::exp(double(row[i]) - largest);
    for (std::size_t i = 0; i < n; ++i)
      expected.push_back(std::exp(double(row[i]) - largest) / sum);
  }
  auto y = unwritten(x.size());
  on_simulator([&](Sim& sim) { softmax<Sim>(sim, columns, x, y); });
  expect_equal("y of rows of " + std::to_string(columns), y, expected, 1e-5);
}

}  // namespace

void check(Sheet& sheet) {
  sheet.part("rows of 32 numbers, one for each lane", 3, [] { rows_of(32, 3); });
  sheet.part("rows of 1, 7, 31, 33 and 100 numbers", 4, [] {
    for (int columns : {1, 7, 31, 33, 100}) rows_of(columns, 3);
  });
  sheet.part("numbers of 1,000, whose exponentials no float can hold", 3,
             [] { rows_of(50, 1000); });
  sheet.bytes_moved(2 * 3 * 256 * 4, [] { rows_of(256, 3); });
}

}  // namespace tweed::exercise
