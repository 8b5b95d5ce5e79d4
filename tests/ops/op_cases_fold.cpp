// Extremes, variances and norms over axes; the largest of a row.
#include <algorithm>
#include <cmath>

#include "autograd/argmax.h"
#include "autograd/reduce.h"
#include "tests/ops/op_cases.h"

namespace tweed {
namespace {

using Group = std::vector<double>;

// The elements of x that fold into each element of y, found by counting coordinates up.
std::vector<Group> groups_of(const Array& x, const std::vector<int>& axes, bool keep, Shape& y) {
  const int n = x.shape.ndim();
  std::vector<bool> folded(std::size_t(n), false);
  for (int axis : axes) folded[std::size_t(axis < 0 ? axis + n : axis)] = true;
  y = Shape();
  for (int i = 0; i < n; ++i)
    if (!folded[std::size_t(i)])
      y.append(x.shape[i]);
    else if (keep)
      y.append(1);
  std::vector<Group> groups(std::size_t(y.size()));
  std::vector<int64_t> at(std::size_t(n), 0);
  for (int64_t i = 0; i < x.shape.size(); ++i) {
    std::size_t place = 0;
    for (int a = 0; a < n; ++a)
      if (!folded[std::size_t(a)])
        place = place * std::size_t(x.shape[a]) + std::size_t(at[std::size_t(a)]);
    groups[place].push_back(x[i]);
    for (int a = n - 1; a >= 0 && ++at[std::size_t(a)] == x.shape[a]; --a) at[std::size_t(a)] = 0;
  }
  return groups;
}

double variance(const Group& g, double correction) {
  double mean = 0, sum = 0;
  for (double v : g) mean += v / double(g.size());
  for (double v : g) sum += (v - mean) * (v - mean);
  return sum / (double(g.size()) - correction);
}
double norm(const Group& g, double p) {
  double sum = 0;
  for (double v : g) sum += std::pow(std::abs(v), p);
  return std::pow(sum, 1 / p);
}
double largest(const Group& g) { return *std::max_element(g.begin(), g.end()); }
double smallest(const Group& g) { return *std::min_element(g.begin(), g.end()); }

struct Folding {
  const char* op;
  const char* what;
  std::function<Tensor(const Tensor&, const std::vector<int>&, bool)> f;
  std::function<double(const Group&)> formula;
  double lo, hi;
  bool distinct = false;
  std::size_t least = 1;  // elements that a group must have
};

std::vector<Folding> foldings() {
  using Axes = const std::vector<int>&;
  auto max_of = [](auto& x, Axes axes, bool keep) { return max(x, axes, keep); };
  auto min_of = [](auto& x, Axes axes, bool keep) { return min(x, axes, keep); };
  auto l1 = [](auto& x, Axes axes, bool keep) { return norm_l1(x, axes, keep); };
  auto l2 = [](auto& x, Axes axes, bool keep) { return norm_l2(x, axes, keep); };
  auto linf = [](auto& x, Axes axes, bool keep) { return norm_linf(x, axes, keep); };
  auto var_of = [](int64_t correction) {
    return [=](auto& x, Axes axes, bool keep) { return var(x, axes, keep, correction); };
  };
  auto linf_of = [](const Group& g) { return std::max(largest(g), -smallest(g)); };
  return {
      {"max", "", max_of, largest, -1, 1, true},
      {"max", "all negative", max_of, largest, -3, -1, true},
      {"min", "", min_of, smallest, -1, 1, true},
      {"min", "all positive", min_of, smallest, 1, 3, true},
      {"var", "of a sample", var_of(1), [](const Group& g) { return variance(g, 1); }, -1, 1, false,
       2},
      {"var", "of all", var_of(0), [](const Group& g) { return variance(g, 0); }, -1, 1},
      {"abs", "L1 norm", l1, [](const Group& g) { return norm(g, 1); }, 0.1, 1},
      {"norm_l2", "", l2, [](const Group& g) { return norm(g, 2); }, -1, 1},
      {"max", "Linf norm, positive", linf, linf_of, 0.1, 1, true},
      {"max", "Linf norm, negative", linf, linf_of, -1, -0.1, true},
  };
}

}  // namespace

std::vector<OpCase> top_cases() {
  struct {
    Shape shape;
    int64_t k;
  } shapes[] = {{{3, 5}, 1}, {{3, 5}, 2}, {{5}, 5}, {{1}, 1}, {{2, 2, 67}, 3}, {{0, 4}, 2}};
  std::vector<OpCase> rows;
  for (auto& s : shapes)
    rows.push_back({"top_k",
                    std::to_string(s.k) + " of " + s.shape.str(),
                    {{s.shape, -1, 1, true}},
                    [=](auto& in) { return top_k(in[0], s.k).values; },
                    [=](const Arrays& in) {
                      const int64_t columns = s.shape[-1];
                      Array y;
                      y.shape = s.shape;
                      y.shape.set(-1, s.k);
                      for (int64_t row = 0; row * columns < s.shape.size(); ++row) {
                        Group g(in[0].v.begin() + row * columns,
                                in[0].v.begin() + (row + 1) * columns);
                        std::sort(g.rbegin(), g.rend());
                        y.v.insert(y.v.end(), g.begin(), g.begin() + s.k);
                      }
                      return y;
                    }});
  return rows;
}

std::vector<OpCase> fold_cases() {
  struct {
    Shape shape;
    std::vector<int> axes;
    bool keep;
  } shapes[] = {{{3, 4}, {0, 1}, false},
                {{3, 4}, {0}, false},
                {{3, 4}, {-1}, true},
                {{2, 3, 4, 5}, {1, 2}, false},
                {{2, 3, 4, 5}, {0, 2}, true},
                {{2, 3, 2, 5}, {3, 1}, false},
                {{5}, {}, false},
                {{1}, {0}, false},
                {{0, 3}, {1}, false},
                {{70, 3}, {0}, false},
                {{1, 67}, {1}, false},
                {{}, {}, true}};
  std::vector<OpCase> rows;
  for (const Folding& folding : foldings())
    for (auto& s : shapes) {
      std::string what = std::string(folding.what) + " " + s.shape.str() + " over";
      for (int axis : s.axes) what.append(" ").append(std::to_string(axis));
      Shape y;
      const auto groups = groups_of(Array(s.shape), s.axes, s.keep, y);
      if (!groups.empty() && groups[0].size() < folding.least) continue;
      rows.push_back({folding.op,
                      what,
                      {{s.shape, folding.lo, folding.hi, folding.distinct}},
                      [=](auto& in) { return folding.f(in[0], s.axes, s.keep); },
                      [=](const Arrays& in) {
                        Shape shape;
                        const auto groups = groups_of(in[0], s.axes, s.keep, shape);
                        Array result(shape);
                        for (std::size_t i = 0; i < groups.size(); ++i)
                          result.v[i] = folding.formula(groups[i]);
                        return result;
                      }});
    }
  return rows;
}

}  // namespace tweed
