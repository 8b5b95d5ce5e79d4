#include "debug_rest.h"
#include "exercises/sheet.h"

namespace tweed::exercise {
namespace {

void sums_of(std::size_t n) {
  auto x = numbers(n, 1);
  std::vector<double> expected((n + 63) / 64);
  for (std::size_t i = 0; i < n; ++i) expected[i / 64] += double(x[i]);
  auto sums = unwritten(expected.size());
  on_simulator([&](Sim& sim) { block_sums<Sim>(sim, x, sums); });
  expect_equal("the sums of " + std::to_string(n) + " numbers", sums, expected, 1e-5);
}

}  // namespace

void check(Sheet& sheet) {
  sheet.part("the mistake is mended, and there is no other", 10, [] {
    for (std::size_t n : {128, 100, 1, 65}) sums_of(n);
  });
}

}  // namespace tweed::exercise
