#include <algorithm>
#include <cmath>

#include "attention.h"
#include "autograd/attention.h"
#include "exercises/sheet.h"

namespace tweed::exercise {
namespace {

constexpr std::size_t width = 32;

struct Case {
  Case(std::size_t queries, std::size_t keys, float scale = 3)
      : queries(queries),
        keys(keys),
        q(numbers(queries * width, 1)),
        k(numbers(keys * width, 2)),
        v(numbers(keys * width, 3)) {
    for (float& x : q) x *= scale;
  }
  std::size_t queries, keys;
  std::vector<float> q, k, v;

  double product(std::size_t i, std::size_t j) const {
    double sum = 0;
    for (std::size_t d = 0; d < width; ++d)
      sum += double(q[i * width + d]) * double(k[j * width + d]);
    return sum;
  }
  std::vector<double> expected(double scale) const {
    std::vector<double> y(q.size());
    for (std::size_t i = 0; i < queries; ++i) {
      std::vector<double> p(keys);
      for (std::size_t j = 0; j < keys; ++j) p[j] = product(i, j) * scale;
      const double largest = *std::max_element(p.begin(), p.end());
      double sum = 0;
      for (double& w : p) sum += w = std::exp(w - largest);
      for (std::size_t j = 0; j < keys; ++j)
        for (std::size_t d = 0; d < width; ++d)
          y[i * width + d] += p[j] / sum * double(v[j * width + d]);
    }
    return y;
  }
  std::string text() const {
    return "y with " + std::to_string(keys) + (keys == 1 ? " key and " : " keys and ") +
           std::to_string(queries) + (queries == 1 ? " query" : " queries");
  }
  int64_t least_bytes() const { return int64_t((2 * queries + 2 * keys) * width * 4); }
};

bool are(const std::vector<float>& got, const std::vector<double>& wanted) {
  for (std::size_t i = 0; i < got.size(); ++i)
    if (!(std::abs(double(got[i]) - wanted[i]) < 1e-4)) return false;
  return true;
}

void expect_values(const Case& c, const std::vector<float>& y, const std::string& advice = "") {
  const auto wanted = c.expected(1 / std::sqrt(double(width)));
  expect(are(y, wanted) || !are(y, c.expected(1)),
         c.text() +
             " is right but for 1 / sqrt(32): scores are divided by the square root of the width.");
  try {
    expect_equal(c.text(), y, wanted, 1e-4);
  } catch (const Wrong& wrong) {
    const bool blank = wrong.advice.find("blank") != std::string::npos;
    throw Wrong{blank ? wrong.advice : wrong.advice + advice};
  }
}
void values(Case c, const std::string& advice = "") {
  auto y = unwritten(c.q.size());
  on_simulator([&](Sim& sim) { attention<Sim>(sim, c.q, c.k, c.v, y); });
  expect_values(c, y, advice);
}

// Tweed's own, whose values are PyTorch's.
void like_tweed() {
  Case c(24, 70);
  values(c);
  const int64_t L = int64_t(c.queries), S = int64_t(c.keys), D = int64_t(width);
  const Tensor own =
      scaled_dot_product_attention(Tensor::from(c.q, {1, 1, L, D}), Tensor::from(c.k, {1, 1, S, D}),
                                   Tensor::from(c.v, {1, 1, S, D}));
  auto y = unwritten(c.q.size());
  on_simulator([&](Sim& sim) { attention<Sim>(sim, c.q, c.k, c.v, y); });
  expect_equal(c.text(), y, own.to_doubles(), 1e-4);
}

// Later keys score higher: what was added up before counts for less and less.
void rising() {
  Case c(8, 128);
  for (std::size_t j = 0; j < c.keys; ++j)
    for (std::size_t d = 0; d < width; ++d) {
      c.k[j * width + d] = float(j) / 40;
      c.q[d] = 1;
    }
  values(c,
         " Each tile raises the largest score here. Are sum and result of earlier tiles then "
         "multiplied by exp(largest before - largest now)?");
}

// Scores between some -200 and -260, no two of them the same.
void far_below_zero() {
  Case c(8, 50, 1);
  for (float& x : c.q) x = 20 + x;
  for (float& x : c.k) x = -2 + x / 4;
  auto y = unwritten(c.q.size());
  on_simulator([&](Sim& sim) { attention<Sim>(sim, c.q, c.k, c.v, y); });
  // 0 / 0, or no division.
  const bool no_weight = std::isnan(y[0]) || y[0] == 0;
  expect_values(c, y,
                no_weight ? " All scores are below -200 here: a largest score that begins at 0 "
                            "stays there, and each exponential becomes 0. It begins at -INFINITY."
                          : "");
}

void without_conflicts() {
  Case c(16, 64);
  auto y = unwritten(c.q.size());
  int64_t accesses = 0;
  const Conflicts conflicts =
      conflicts_of([&](Sim& sim) { attention<Sim>(sim, c.q, c.k, c.v, y); }, &accesses);
  expect_values(c, y);
  expect(accesses > 0,
         "No shared memory is used: then each query reads all keys from the GPU's memory, where "
         "eight could share them.");
  expect(
      conflicts.count == 0,
      "Lanes of a warp want different words of one bank " + std::to_string(conflicts.count) +
          " times, most in " + conflicts.line +
          ". Lane j walks row j of the keys: with rows of 32 words all of them are in one bank.");
}

}  // namespace

void check(Sheet& sheet) {
  sheet.part("8 queries, 32 keys: one block, one tile", 2, [] { values({8, 32}); });
  sheet.part("8 queries, 128 keys: later tiles with larger scores", 2, rising);
  sheet.part("1, 5, 31, 33 and 100 keys; 1, 7, 9 and 20 queries", 2, [] {
    for (std::size_t keys : {1, 5, 31, 33, 100})
      values({8, keys}, keys < 32
                            ? " The tile is not full: a lane without a key has to add nothing."
                            : " There are several tiles here, and the last one is not full.");
    for (std::size_t queries : {1, 7, 9, 20}) values({queries, 40});
  });
  sheet.part("scores of 1,000, and all below -200: exponentials that no float can hold", 1, [] {
    values({8, 50, 1000});
    far_below_zero();
  });
  sheet.part("the numbers of Tweed's own; 3,001 keys", 1, [] {
    like_tweed();
    values({2, 3001, 1}, " This many scores fit nowhere: a tile at a time.");
  });
  sheet.part("without bank conflicts", 1, without_conflicts);
  Case c(64, 512);
  // Each of the 8 blocks reads all keys and values once.
  sheet.bytes_moved(c.least_bytes(), [&] { values(c); },
                    {.bytes = int64_t((2 * c.queries + 8 * 2 * c.keys) * width * 4),
                     .points = 1,
                     .advice = "A block's eight queries share what it loads of k and v into shared "
                               "memory: each of their numbers is then read once a block."});
}

}  // namespace tweed::exercise
