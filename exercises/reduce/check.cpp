#include "exercises/sheet.h"
#include "reduce.h"

namespace tweed::exercise {

void check(Sheet& sheet) {
  const std::size_t blocks = 5;
  auto x = numbers(256 * blocks, 1);
  std::vector<double> expected(blocks);
  for (std::size_t i = 0; i < x.size(); ++i) expected[i / 256] += double(x[i]);
  sheet.part("the sums, and nothing that depends on the order of the threads", 6, [&] {
    auto y = unwritten(blocks);
    on_simulator([&](Sim& sim) { reduce<Sim>(sim, x, y); });
    expect_equal("y", y, expected, 1e-5);
  });
  sheet.part("no bank conflicts", 2, [&] {
    auto y = unwritten(blocks);
    const Conflicts conflicts = conflicts_of([&](Sim& sim) { reduce<Sim>(sim, x, y); });
    expect_equal("y", y, expected, 1e-5);
    expect(conflicts.count == 0,
           "Lanes of a warp want different words of one bank " + std::to_string(conflicts.count) +
               " times, most in " + conflicts.line +
               ": they are served one after the other. Neighbouring threads should touch "
               "neighbouring words.");
  });
}

}  // namespace tweed::exercise
