#include "exercises/sheet.h"
#include "matmul.h"

namespace tweed::exercise {
namespace {

struct Case {
  explicit Case(int n)
      : n(n), a(numbers(std::size_t(n * n), 1)), b(numbers(std::size_t(n * n), 2)) {
    for (int i = 0; i < n; ++i)
      for (int j = 0; j < n; ++j) {
        double sum = 0;
        for (int k = 0; k < n; ++k)
          sum += double(a[std::size_t(i * n + k)]) * double(b[std::size_t(k * n + j)]);
        product.push_back(sum);
      }
  }
  int n;
  std::vector<float> a, b;
  std::vector<double> product;
};

void values(int n) {
  Case c(n);
  auto got = unwritten(c.product.size());
  on_simulator([&](Sim& sim) { matmul<Sim>(sim, c.n, c.a, c.b, got); });
  expect_equal("c", got, c.product, 1e-5);
}

}  // namespace

void check(Sheet& sheet) {
  sheet.part("16 x 16: one tile", 4, [] { values(16); });
  sheet.part("48 x 48: three tiles along", 4, [] { values(48); });
  sheet.part("out of shared memory", 1, [] {
    Case c(32);
    auto got = unwritten(c.product.size());
    int64_t accesses = 0;
    conflicts_of([&](Sim& sim) { matmul<Sim>(sim, c.n, c.a, c.b, got); }, &accesses);
    expect_equal("c", got, c.product, 1e-5);
    expect(accesses > 0,
           "No shared memory is used: each number of a and b is then read n times from the GPU's "
           "memory, instead of n / 16 times.");
  });
  constexpr int64_t n = 64;
  sheet.bytes_moved(3 * n * n * 4, [] { values(n); },
                    {.bytes = (2 * (n / 16) + 1) * n * n * 4,
                     .points = 1,
                     .advice = "A tile is loaded once by the block that uses it: each number of a "
                               "and b n / 16 times."});
}

}  // namespace tweed::exercise
