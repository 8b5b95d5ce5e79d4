#include "exercises/sheet.h"
#include "transpose.h"

namespace tweed::exercise {

void check(Sheet& sheet) {
  const int rows = 64, columns = 96;
  auto x = numbers(std::size_t(rows * columns), 1);
  std::vector<double> expected(x.size());
  for (int i = 0; i < rows; ++i)
    for (int j = 0; j < columns; ++j)
      expected[std::size_t(j * rows + i)] = double(x[std::size_t(i * columns + j)]);
  auto each_in_its_place = [&] {
    auto y = unwritten(x.size());
    on_simulator([&](Sim& sim) { transpose<Sim>(sim, rows, columns, x, y); });
    expect_equal("y", y, expected, 0);
  };
  sheet.part("64 x 96 numbers, each in its place", 5, each_in_its_place);
  sheet.part("by way of shared memory, without bank conflicts", 5, [&] {
    auto y = unwritten(x.size());
    int64_t accesses = 0;
    const Conflicts conflicts =
        conflicts_of([&](Sim& sim) { transpose<Sim>(sim, rows, columns, x, y); }, &accesses);
    expect_equal("y", y, expected, 0);
    expect(accesses > 0,
           "No shared memory is used. Then one of x and y is touched column by column: 32 threads "
           "want 32 lines of memory where one would do.");
    expect(conflicts.count == 0,
           "The threads of a warp want different words of one bank " +
               std::to_string(conflicts.count) + " times, most in " + conflicts.line +
               ". In tile[32][32] all words of a column are in one bank; what if a row had one "
               "word more?");
  });
  sheet.bytes_moved(2 * rows * columns * 4, each_in_its_place);
}

}  // namespace tweed::exercise
