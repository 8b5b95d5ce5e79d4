#include "debug_wait.h"
#include "exercises/sheet.h"

namespace tweed::exercise {

void check(Sheet& sheet) {
  sheet.part("the mistake is mended, and there is no other", 10, [] {
    auto x = numbers(384, 1);
    std::vector<double> expected;
    for (std::size_t i = 0; i < x.size(); ++i)
      expected.push_back(double(x[i / 128 * 128 + 127 - i % 128]));
    auto y = unwritten(x.size());
    on_simulator([&](Sim& sim) { turned_round<Sim>(sim, x, y); });
    expect_equal("y", y, expected, 0);
  });
}

}  // namespace tweed::exercise
