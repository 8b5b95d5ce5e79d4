// Sums and products along axes; elements picked and placed by index.
#include "autograd/indexing.h"
#include "autograd/reduce.h"
#include "tests/ops/op_cases.h"

namespace tweed {
namespace {

// An array seen as (outer, length, inner) along an axis.
struct View {
  int64_t outer, length, inner;
  View(const Shape& shape, int axis) {
    const int k = axis < 0 ? axis + shape.ndim() : axis;
    outer = shape.product(0, k);
    length = shape[k];
    inner = shape.product(k + 1, shape.ndim());
  }
  int64_t at(int64_t o, int64_t r, int64_t i) const { return (o * length + r) * inner + i; }
  template <class F>
  void for_each(F f) const {
    for (int64_t o = 0; o < outer; ++o)
      for (int64_t r = 0; r < length; ++r)
        for (int64_t i = 0; i < inner; ++i) f(o, r, i);
  }
};

OpCase cumsum_case(const Shape& shape, int axis, const CumsumOptions& options) {
  const auto [exclusive, reverse] = options;
  return {"cumsum",
          shape.str() + " axis " + std::to_string(axis) + (exclusive ? " exclusive" : "") +
              (reverse ? " reverse" : ""),
          {{shape}},
          [=](auto& in) { return cumsum(in[0], axis, options); },
          [=](const Arrays& in) {
            Array y(shape);
            const View v(shape, axis);
            v.for_each([&](int64_t o, int64_t r, int64_t i) {
              for (int64_t k = 0; k < v.length; ++k)
                if (k == r ? !exclusive : (k < r) != reverse)
                  y[v.at(o, r, i)] += in[0][v.at(o, k, i)];
            });
            return y;
          }};
}

// Around 1, so that products are numbers as small as the elements.
OpCase prod_case(const Shape& shape, const std::vector<int>& axes, bool keep) {
  std::string what = shape.str() + " over";
  for (int axis : axes) what.append(" ").append(std::to_string(axis));
  return {"prod",
          what + (keep ? ", kept" : ""),
          {{shape, 0.5, 1.5}},
          [=](auto& in) { return prod(in[0], axes, keep); },
          [=](const Arrays& in) {
            Shape kept = shape, result;
            std::vector<bool> gone(8);
            for (int axis : axes) {
              const int k = axis < 0 ? axis + shape.ndim() : axis;
              kept.set(k, 1);
              gone[std::size_t(k)] = true;
            }
            for (int k = 0; k < shape.ndim(); ++k)
              if (keep || !gone[std::size_t(k)]) result.append(kept[k]);
            Array y(result);
            for (double& v : y.v) v = 1;
            for (int64_t i = 0; i < shape.size(); ++i)
              y[broadcast_index(kept, shape, i)] *= in[0][i];
            return y;
          },
          {},
          4};
}

// Numbers from 0 to n - 1 that come again and leave some out.
std::vector<int32_t> some_indexes(int64_t count, int64_t n) {
  std::vector<int32_t> indexes;
  for (int64_t i = 0; i < count; ++i) indexes.push_back(int32_t(i * i * 5 % (n + 2) % n));
  return indexes;
}

OpCase gather_case(const Shape& x, const Shape& index, int axis) {
  const std::vector<int32_t> picks = some_indexes(index.size(), x[axis]);
  return {"gather",
          x.str() + " at " + index.str() + " axis " + std::to_string(axis),
          {{x}},
          [=](auto& in) { return gather(in[0], Tensor::from(picks, index, in[0].device()), axis); },
          [=](const Arrays& in) {
            Array y(index);
            for (int64_t i = 0; i < index.size(); ++i) {
              const int along = axis < 0 ? axis + x.ndim() : axis;
              int64_t rest = i, from = 0, step = 1;
              for (int k = x.ndim() - 1; k >= 0; --k) {
                const int64_t at = k == along ? picks[std::size_t(i)] : rest % index[k];
                rest /= index[k];
                from += at * step;
                step *= x[k];
              }
              y[i] = in[0][from];
            }
            return y;
          }};
}

OpCase scatter_case(bool adds, const Shape& x, int64_t count, int axis) {
  Shape index = x;
  index.set(axis, count);
  const std::vector<int32_t> places = some_indexes(index.size(), x[axis]);
  return {adds ? "scatter_add" : "scatter",
          x.str() + " from " + index.str() + " axis " + std::to_string(axis),
          {{x}, {index}},
          [=](auto& in) {
            const Tensor at = Tensor::from(places, index, in[0].device());
            return adds ? scatter_add(in[0], at, in[1], axis) : scatter(in[0], at, in[1], axis);
          },
          [=](const Arrays& in) {
            Array y = in[0];
            const View to(x, axis), from(index, axis);
            from.for_each([&](int64_t o, int64_t m, int64_t i) {
              const int64_t at = from.at(o, m, i);
              double& v = y[to.at(o, places[std::size_t(at)], i)];
              v = adds ? v + in[1][at] : in[1][at];
            });
            return y;
          }};
}

OpCase index_select_case(const Shape& x, int axis, int64_t count) {
  Shape shape = x;
  shape.set(axis, count);
  const std::vector<int32_t> picks = some_indexes(count, x[axis]);
  return {"gather_rows",
          "index_select " + shape.str() + " of " + x.str() + " axis " + std::to_string(axis),
          {{x}},
          [=](auto& in) {
            return index_select(in[0], Tensor::from(picks, {count}, in[0].device()), axis);
          },
          [=](const Arrays& in) {
            Array y(shape);
            const View from(x, axis), to(shape, axis);
            to.for_each([&](int64_t o, int64_t m, int64_t i) {
              y[to.at(o, m, i)] = in[0][from.at(o, picks[std::size_t(m)], i)];
            });
            return y;
          }};
}

}  // namespace

std::vector<OpCase> line_cases() {
  std::vector<OpCase> rows;
  for (bool exclusive : {false, true})
    for (bool reverse : {false, true}) {
      rows.push_back(cumsum_case({2, 5, 3}, 1, {exclusive, reverse}));
      rows.push_back(cumsum_case({4, 7}, -1, {exclusive, reverse}));
      rows.push_back(cumsum_case({5, 300}, 0, {exclusive, reverse}));
      rows.push_back(cumsum_case({1}, 0, {exclusive, reverse}));
      rows.push_back(cumsum_case({0, 3}, 1, {exclusive, reverse}));
      rows.push_back(cumsum_case({3, 0}, 1, {exclusive, reverse}));
    }
  for (bool keep : {false, true}) {
    rows.push_back(prod_case({3, 4}, {0, 1}, keep));
    rows.push_back(prod_case({3, 4}, {0}, keep));
    rows.push_back(prod_case({3, 4}, {-1}, keep));
    rows.push_back(prod_case({2, 3, 4, 2}, {1, 2}, keep));
    rows.push_back(prod_case({2, 3, 4, 2}, {0, 2}, keep));
    rows.push_back(prod_case({2, 3, 4, 2}, {3, 1}, keep));
    rows.push_back(prod_case({5}, {}, keep));
    rows.push_back(prod_case({0, 3}, {1}, keep));
    rows.push_back(prod_case({0, 3}, {0}, keep));
  }
  rows.push_back({"prod",
                  "everything",
                  {{{2, 3, 2}, 0.5, 1.5}},
                  [](auto& in) { return prod(in[0]); },
                  [](const Arrays& in) {
                    Array y(Shape{});
                    y[0] = 1;
                    for (double v : in[0].v) y[0] *= v;
                    return y;
                  }});
  rows.push_back(gather_case({4, 5}, {4, 1}, 1));
  rows.push_back(gather_case({4, 5}, {4, 9}, -1));
  rows.push_back(gather_case({5, 4}, {7, 4}, 0));
  rows.push_back(gather_case({3, 4, 5}, {3, 6, 5}, 1));
  rows.push_back(gather_case({3, 4, 5}, {2, 6, 3}, 1));  // less than x along other axes
  rows.push_back(gather_case({5}, {8}, 0));
  rows.push_back(gather_case({1, 1}, {1, 1}, 0));
  rows.push_back(gather_case({3, 4}, {3, 0}, 1));
  rows.push_back(gather_case({0, 4}, {0, 2}, 1));
  rows.push_back(gather_case({2, 300}, {2, 3}, 1));
  for (bool adds : {false, true}) {
    rows.push_back(scatter_case(adds, {4, 5}, 1, 1));
    rows.push_back(scatter_case(adds, {4, 5}, 9, -1));
    rows.push_back(scatter_case(adds, {5, 4}, 3, 0));
    rows.push_back(scatter_case(adds, {3, 4, 5}, 6, 1));
    rows.push_back(scatter_case(adds, {6}, 5, 0));
    rows.push_back(scatter_case(adds, {3, 4}, 0, 1));
    rows.push_back(scatter_case(adds, {0, 4}, 2, 1));
    rows.push_back(scatter_case(adds, {1}, 1, 0));
  }
  rows.push_back(index_select_case({4, 5}, 1, 7));
  rows.push_back(index_select_case({2, 3, 4}, 1, 2));
  rows.push_back(index_select_case({2, 3, 4}, -1, 6));
  rows.push_back(index_select_case({5, 2}, 0, 3));
  rows.push_back(index_select_case({2, 3}, 1, 0));
  return rows;
}

}  // namespace tweed
