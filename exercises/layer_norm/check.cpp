#include <cmath>

#include "exercises/sheet.h"
#include "layer_norm.h"

namespace tweed::exercise {
namespace {

constexpr float eps = 1e-5f;

void rows_of(int columns, float around, const std::string& advice = "") {
  const std::size_t rows = 3, n = std::size_t(columns);
  auto x = numbers(rows * n, 1), gamma = numbers(n, 2), beta = numbers(n, 3);
  for (float& v : x) v += around;
  std::vector<double> expected;
  for (std::size_t r = 0; r < rows; ++r) {
    const float* row = &x[r * n];
    double mean = 0, squares = 0;
    for (std::size_t i = 0; i < n; ++i) mean += double(row[i]) / double(n);
    for (std::size_t i = 0; i < n; ++i)
      squares += (double(row[i]) - mean) * (double(row[i]) - mean);
    const double scale = 1 / std::sqrt(squares / double(n) + double(eps));
    for (std::size_t i = 0; i < n; ++i)
      expected.push_back((double(row[i]) - mean) * scale * double(gamma[i]) + double(beta[i]));
  }
  auto y = unwritten(x.size());
  on_simulator([&](Sim& sim) { layer_norm<Sim>(sim, columns, eps, x, gamma, beta, y); });
  // The mean itself is rounded to a float: in a row around 1,000 by some 6e-5.
  const double tolerance = around > 0 ? 1e-3 : 1e-5;
  try {
    expect_equal("y of rows of " + std::to_string(columns), y, expected, tolerance);
  } catch (const Wrong& wrong) {
    const bool blank = wrong.advice.find("blank") != std::string::npos;
    throw Wrong{blank ? wrong.advice : wrong.advice + advice};
  }
}

}  // namespace

void check(Sheet& sheet) {
  sheet.part("rows of 32 numbers, one for each lane", 3, [] { rows_of(32, 0); });
  sheet.part("rows of 7, 31, 33 and 100 numbers", 4, [] {
    for (int columns : {7, 31, 33, 100})
      rows_of(columns, 0,
              " Does a lane that has no number in the row add something to the squares?");
  });
  sheet.part("numbers around 1,000 that differ by one or two", 3, [] {
    rows_of(100, 1000,
            " The variance is a small difference of large numbers if it is the mean of the squares "
            "less the square of the mean: add up squared deviations from the mean instead.");
  });
  sheet.bytes_moved((2 * 3 + 2) * 256 * 4, [] { rows_of(256, 0); });
}

}  // namespace tweed::exercise
