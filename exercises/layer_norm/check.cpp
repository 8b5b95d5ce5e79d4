#include <algorithm>
#include <cmath>
#include <functional>

#include "exercises/sheet.h"
#include "layer_norm.h"

namespace tweed::exercise {
namespace {

struct Rows {
  int columns = 100;
  float around = 0, spread = 1, eps = 1e-5f;
  int constant = -1;  // a row of one number
};

// What y is multiplied by, of a variance.
using Scale = std::function<double(double)>;
std::vector<double> definition(const Scale& scale, const std::vector<float>& x,
                               const std::vector<float>& gamma, const std::vector<float>& beta) {
  const std::size_t n = gamma.size();
  std::vector<double> y;
  for (std::size_t first = 0; first < x.size(); first += n) {
    double mean = 0, squares = 0;
    for (std::size_t i = 0; i < n; ++i) mean += double(x[first + i]) / double(n);
    for (std::size_t i = 0; i < n; ++i) squares += std::pow(double(x[first + i]) - mean, 2);
    for (std::size_t i = 0; i < n; ++i)
      y.push_back((double(x[first + i]) - mean) * scale(squares / double(n)) * double(gamma[i]) +
                  double(beta[i]));
  }
  return y;
}
double farthest(const std::vector<float>& got, const std::vector<double>& wanted) {
  double most = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double away = std::abs(double(got[i]) - wanted[i]);
    if (std::isnan(away)) return away;
    most = std::max(most, away);
  }
  return most;
}
const std::string eps_place =
    "it is added to the variance, under the root: 1 / sqrt(variance + eps).";

void expect_right(const Rows& rows, const std::string& advice = "") {
  const std::size_t count = 3, n = std::size_t(rows.columns);
  auto x = numbers(count * n, 1), gamma = numbers(n, 2), beta = numbers(n, 3);
  for (float& v : x) v = v * rows.spread + rows.around;
  if (rows.constant >= 0) std::fill_n(x.begin() + rows.constant * rows.columns, n, 0.5f);
  auto y = unwritten(x.size());
  on_simulator([&](Sim& sim) { layer_norm<Sim>(sim, rows.columns, rows.eps, x, gamma, beta, y); });
  // The mean itself is rounded to a float: in a row around 1,000 by some 6e-5.
  const double tolerance = 1e-5 + 1e-6 * std::abs(double(rows.around));
  const double eps = double(rows.eps);
  auto results = [&](const Scale& scale) { return definition(scale, x, gamma, beta); };
  const auto wanted = results([&](double variance) { return 1 / std::sqrt(variance + eps); });
  try {
    expect_equal("y of rows of " + std::to_string(rows.columns), y, wanted, tolerance);
  } catch (const Wrong& wrong) {
    if (wrong.advice.find("blank") != std::string::npos) throw;
    const double outside =
        farthest(y, results([&](double variance) { return 1 / (std::sqrt(variance) + eps); }));
    const double without =
        farthest(y, results([](double variance) { return 1 / std::sqrt(variance); }));
    if (outside <= tolerance && !(without < outside))
      throw Wrong{wrong.advice + " So it would be with eps outside of the root: " + eps_place};
    if (without <= tolerance)
      throw Wrong{wrong.advice + " So it would be without eps: " + eps_place};
    throw Wrong{wrong.advice + advice};
  }
}

const std::string about_variance =
    " The variance is a small difference of large numbers if it is the mean of the squares "
    "less the square of the mean: add up squared deviations from the mean instead.";

// Where eps is seen: beside a variance that is not much larger, or 0.
void eps_at_work() {
  expect_right(
      {.columns = 64, .constant = 1},
      " The middle row has the same number everywhere, so its variance is 0 and y is beta. "
      "Without eps there would be 0 times infinity: " +
          eps_place);
  expect_right({.spread = 0.3f, .eps = 0.1f},
               " The variance is some 0.03 here, and eps 0.1: it is a parameter of the kernel; " +
                   eps_place);
}

}  // namespace

void check(Sheet& sheet) {
  sheet.part("rows of 32 numbers, one for each lane", 2, [] { expect_right({.columns = 32}); });
  sheet.part("rows of 7, 31, 33 and 100 numbers", 3, [] {
    for (int columns : {7, 31, 33, 100})
      expect_right({.columns = columns},
                   " Does a lane that has no number in the row add something to the squares?");
  });
  sheet.part("another eps, and a row whose variance is 0", 2, eps_at_work);
  sheet.part("numbers around 1,000 and -3,000 that differ by one or two", 3, [] {
    expect_right({.around = 1000}, about_variance);
    expect_right({.around = -3000}, about_variance);
  });
  sheet.bytes_moved((2 * 3 + 2) * 256 * 4, [] { expect_right({.columns = 256}); });
}

}  // namespace tweed::exercise
