#include "exercises/sheet.h"
#include "reduce.h"

namespace tweed::exercise {

void check(Sheet& sheet) {
  const std::size_t blocks = 5;
  auto x = numbers(256 * blocks, 1);
  std::vector<double> expected(blocks);
  for (std::size_t i = 0; i < x.size(); ++i) expected[i / 256] += double(x[i]);
  auto sums = [&] {
    auto y = unwritten(blocks);
    on_simulator([&](Sim& sim) { reduce<Sim>(sim, x, y); });
    expect_equal("y", y, expected, 1e-5);
  };
  sheet.part("the sums, and nothing that depends on the order of the threads", 6, sums);
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
  // Each block writes one number: a sector of its own.
  sheet.bytes_moved(int64_t(x.size() + blocks) * 4, sums,
                    {.bytes = int64_t(x.size() * 4 + blocks * 32),
                     .points = 2,
                     .advice = "Each number of x is wanted once, by the thread that adds it."});
}

}  // namespace tweed::exercise
