#include "exercises/sheet.h"
#include "scan.h"

namespace tweed::exercise {
namespace {

void sums_of(std::size_t n, const std::string& advice) {
  auto x = numbers(n, 1);
  std::vector<double> expected;
  double sum = 0;
  for (float v : x) expected.push_back(sum += double(v));
  auto y = unwritten(n), totals = unwritten((n + 255) / 256);
  on_simulator([&](Sim& sim) { scan<Sim>(sim, x, y, totals); });
  try {
    expect_equal("y of " + std::to_string(n) + " numbers", y, expected, 1e-4);
  } catch (const Wrong& wrong) {
    const bool blank = wrong.advice.find("blank") != std::string::npos;
    throw Wrong{blank ? wrong.advice : wrong.advice + advice};
  }
}

}  // namespace

void check(Sheet& sheet) {
  sheet.part("256 numbers: one block", 4, [] { sums_of(256, " Does a block add its own total?"); });
  sheet.part("100 numbers, and 1", 3, [] {
    for (std::size_t n : {100, 1}) sums_of(n, "");
  });
  sheet.part("1,000 and 2,560 numbers: several blocks", 3, [] {
    for (std::size_t n : {1000, 2560})
      sums_of(n, " Block b adds the totals of blocks 0 to b - 1, all of them.");
  });
  sheet.bytes_moved(2 * 2560 * 4, [] { sums_of(2560, ""); });
}

}  // namespace tweed::exercise
