#include <algorithm>

#include "debug_mask.h"
#include "exercises/sheet.h"

namespace tweed::exercise {
namespace {

void rows_of(int columns) {
  const std::size_t rows = 3, n = std::size_t(columns);
  auto x = numbers(rows * n, 1);
  for (float& v : x) v -= 2;  // all below 0
  std::vector<double> expected;
  for (std::size_t r = 0; r < rows; ++r)
    expected.push_back(double(*std::max_element(&x[r * n], &x[r * n] + n)));
  auto largest = unwritten(rows);
  on_simulator([&](Sim& sim) { row_maxima<Sim>(sim, columns, x, largest); });
  expect_equal("the largest of rows of " + std::to_string(columns), largest, expected, 0);
}

}  // namespace

void check(Sheet& sheet) {
  sheet.part("the mistake is mended, and there is no other", 10, [] {
    for (int columns : {32, 20, 1, 31}) rows_of(columns);
  });
}

}  // namespace tweed::exercise
