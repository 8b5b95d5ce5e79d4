#include "add.h"
#include "exercises/sheet.h"

namespace tweed::exercise {

void check(Sheet& sheet) {
  auto sums = [](std::size_t n) {
    auto a = numbers(n, 1), b = numbers(n, 2);
    auto y = unwritten(n);
    std::vector<double> expected;
    for (std::size_t i = 0; i < n; ++i) expected.push_back(double(a[i]) + double(b[i]));
    on_simulator([&](Sim& sim) { add<Sim>(sim, a, b, y); });
    expect_equal("y", y, expected, 1e-6);
  };
  sheet.part("one block, 64 elements", 2, [&] { sums(64); });
  sheet.part("several blocks, 256 elements", 2, [&] { sums(256); });
  sheet.part("a last block that is not full: 1, 63, 65 and 1,000 elements", 4, [&] {
    for (std::size_t n : {1, 63, 65, 1000}) sums(n);
  });
  const int64_t least = 3 * 1024 * 4;
  sheet.bytes_moved(
      least, [&] { sums(1024); },
      {.bytes = least,
       .points = 2,
       .advice = "Threads t and t + 1 should want neighbours, which share a sector of 32 bytes."});
}

}  // namespace tweed::exercise
