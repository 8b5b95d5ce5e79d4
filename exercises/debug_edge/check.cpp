#include "debug_edge.h"
#include "exercises/sheet.h"

namespace tweed::exercise {

void check(Sheet& sheet) {
  sheet.part("the mistake is mended for every length", 10, [] {
    for (std::size_t n : {2, 63, 64, 65, 100}) {
      auto x = numbers(n, 1);
      std::vector<double> expected;
      for (std::size_t i = 0; i < n; ++i) {
        double sum = double(x[i]);
        int count = 1;
        if (i > 0) sum += double(x[i - 1]), ++count;
        if (i + 1 < n) sum += double(x[i + 1]), ++count;
        expected.push_back(sum / count);
      }
      auto y = unwritten(n);
      on_simulator([&](Sim& sim) { smooth<Sim>(sim, x, y); });
      expect_equal("y of " + std::to_string(n), y, expected, 1e-6);
    }
  });
}

}  // namespace tweed::exercise
