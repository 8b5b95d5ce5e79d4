#include "debug_sum.h"
#include "exercises/sheet.h"

namespace tweed::exercise {

void check(Sheet& sheet) {
  auto x = numbers(512, 1);
  std::vector<double> expected;
  for (std::size_t i = 0; i < x.size(); ++i)
    expected.push_back(double(x[i]) + (i % 128 ? expected.back() : 0));
  sheet.part("the mistake is mended, and there is no other", 10, [&] {
    auto y = unwritten(x.size());
    on_simulator([&](Sim& sim) { running_sums<Sim>(sim, x, y); });
    expect_equal("y", y, expected, 1e-5);
  });
}

}  // namespace tweed::exercise
