// Arithmetic with broadcasting, relu, dropout; sums, means, expand.
#include <cmath>

#include "autograd/dropout.h"
#include "autograd/elementwise.h"
#include "autograd/reduce.h"
#include "tests/ops/op_cases.h"

namespace tweed {
namespace {

OpCase binary_case(const char* op, const char* what, const Shape& a, const Shape& b,
                   Tensor (*f)(const Tensor&, const Tensor&), double (*formula)(double, double)) {
  const double low = std::string(op) == "div" ? 0.5 : -1;
  return {op,
          what,
          {{a}, {b, low, 2}},
          [=](auto& in) { return f(in[0], in[1]); },
          [=](const Arrays& in) {
            Array y(broadcast_shape(in[0].shape, in[1].shape));
            for (int64_t i = 0; i < y.shape.size(); ++i)
              y[i] = formula(in[0][broadcast_index(in[0].shape, y.shape, i)],
                             in[1][broadcast_index(in[1].shape, y.shape, i)]);
            return y;
          },
          {},
          4};
}

std::vector<OpCase> binary_cases(const char* op, Tensor (*f)(const Tensor&, const Tensor&),
                                 double (*formula)(double, double)) {
  struct {
    const char* what;
    Shape a, b;
  } shapes[] = {
      {"equal shapes", {3, 5}, {3, 5}},
      {"no axes", {}, {}},
      {"empty", {0, 3}, {0, 3}},
      {"empty batch, trailing", {0, 3}, {3}},
      {"a trailing axis", {2, 3, 3, 4}, {4}},
      {"trailing axes", {2, 3, 3, 4}, {3, 3, 4}},
      {"a trailing axis on the left", {4}, {2, 3, 4}},
      {"a number per row", {3, 2, 2, 2}, {3, 1, 1, 1}},
      {"a number per row on the left", {3, 1}, {3, 5}},
      {"a number per sample and channel", {2, 3, 2, 4}, {2, 1, 1, 4}},
      {"one element", {3, 5}, {1}},
      {"one element on the left", {}, {3, 5}},
      {"repeated axes apart", {2, 3, 4}, {1, 3, 1}},
      {"both repeated", {3, 1}, {1, 4}},
  };
  std::vector<OpCase> rows;
  for (auto& s : shapes) rows.push_back(binary_case(op, s.what, s.a, s.b, f, formula));
  return rows;
}

OpCase number_by_tensor_case(const Shape& shape) {
  return {"div",
          "a number by " + shape.str(),
          {{shape, 0.5, 2}},
          [](auto& in) { return 3 / in[0]; },
          [](const Arrays& in) {
            Array y = in[0];
            for (double& v : y.v) v = 3 / v;
            return y;
          }};
}

OpCase unary_case(const char* op, const char* what, const Shape& shape,
                  std::function<Tensor(const Tensor&)> f, std::function<double(double)> formula) {
  return {op,
          what,
          {{shape}},
          [=](auto& in) { return f(in[0]); },
          [=](const Arrays& in) {
            Array y(in[0].shape);
            for (int64_t i = 0; i < y.shape.size(); ++i) y[i] = formula(in[0][i]);
            return y;
          }};
}

double dropout_factor(const RandomKey& key, double p, int64_t i) {
  return uniform_float(key.block(i / 4).v[i % 4]) < float(p) ? 0 : p < 1 ? 1 / (1 - p) : 0;
}

const RandomKey key = {7, Purpose::dropout, 3, 2};

std::vector<OpCase> dropout_cases() {
  std::vector<OpCase> rows;
  for (double p : {0.3, 0.5, 1.0})
    for (int64_t n : {1, 7, 24})
      rows.push_back({"dropout",
                      "p " + std::to_string(p) + ", " + std::to_string(n),
                      {{{n}}},
                      [=](auto& in) { return dropout(in[0], p, key, true); },
                      [=](const Arrays& in) {
                        Array y = in[0];
                        for (int64_t i = 0; i < n; ++i) y[i] *= dropout_factor(key, p, i);
                        return y;
                      }});
  for (Shape shape : {Shape{3, 2, 3, 5}, Shape{4, 6}, Shape{0, 2, 2, 3}})
    rows.push_back({"dropout2d",
                    shape.str(),
                    {{shape}},
                    [](auto& in) { return dropout2d(in[0], 0.4, key, true); },
                    [](const Arrays& in) {
                      Array y = in[0];
                      const int64_t C = y.shape[-1];
                      const int64_t pixels = y.shape.product(1, y.shape.ndim() - 1);
                      for (int64_t i = 0; i < y.shape.size(); ++i)
                        y[i] *= dropout_factor(key, 0.4, i / C / pixels * C + i % C);
                      return y;
                    }});
  return rows;
}

Array reduced(const Array& x, const std::vector<int>& axes, bool keep, bool mean) {
  Shape kept = x.shape, result;
  double count = 1;
  std::vector<bool> gone(8);
  for (int axis : axes) {
    const int i = axis < 0 ? axis + x.shape.ndim() : axis;
    gone[std::size_t(i)] = true;
    count *= double(x.shape[i]);
    kept.set(i, 1);
  }
  for (int i = 0; i < kept.ndim(); ++i)
    if (keep || !gone[std::size_t(i)]) result.append(kept[i]);
  Array y(result);
  for (int64_t i = 0; i < x.shape.size(); ++i) y[broadcast_index(kept, x.shape, i)] += x[i];
  for (double& v : y.v) v /= mean ? count : 1;
  return y;
}

OpCase reduce_case(bool is_mean, const Shape& shape, const std::vector<int>& axes, bool keep) {
  std::string what = shape.str() + " over";
  for (int axis : axes) what.append(" ").append(std::to_string(axis));
  return {is_mean ? "mean" : "sum",
          what + (keep ? ", kept" : ""),
          {{shape}},
          [=](auto& in) { return is_mean ? mean(in[0], axes, keep) : sum(in[0], axes, keep); },
          [=](const Arrays& in) { return reduced(in[0], axes, keep, is_mean); }};
}

}  // namespace

std::vector<OpCase> elementwise_cases() {
  std::vector<OpCase> rows;
  auto append = [&](const std::vector<OpCase>& more) {
    rows.insert(rows.end(), more.begin(), more.end());
  };
  append(binary_cases("add", add, [](double a, double b) { return a + b; }));
  append(binary_cases("sub", sub, [](double a, double b) { return a - b; }));
  append(binary_cases("mul", mul, [](double a, double b) { return a * b; }));
  append(binary_cases("div", div, [](double a, double b) { return a / b; }));
  for (Shape shape : {Shape{3, 5}, Shape{}, Shape{0, 2}})
    rows.push_back(number_by_tensor_case(shape));
  append(dropout_cases());

  auto relu_of = [](const Tensor& x) { return relu(x); };
  auto positive = [](double x) { return x <= 0 ? 0 : x; };
  for (Shape shape : {Shape{3, 7}, Shape{1}, Shape{}, Shape{0, 4}}) {
    rows.push_back(unary_case("relu", "", shape, relu_of, positive));
    rows.back().near_kink = [](double v) { return std::abs(v) < 1e-5; };
  }
  rows.push_back(unary_case(
      "scale", "", {2, 5}, [](auto& x) { return x * 1.5; }, [](double v) { return 1.5 * v; }));
  rows.push_back(unary_case(
      "scale", "neg", {7}, [](auto& x) { return -x; }, [](double v) { return -v; }));
  rows.push_back(unary_case(
      "scale", "by division", {7}, [](auto& x) { return x / 4; }, [](double v) { return v / 4; }));
  rows.push_back(unary_case(
      "add_scalar", "", {2, 5}, [](auto& x) { return x + 0.75; },
      [](double v) { return v + 0.75; }));
  rows.push_back(unary_case(
      "add_scalar", "subtracted from", {5}, [](auto& x) { return 2 - x; },
      [](double v) { return 2 - v; }));
  // There and back, for dtypes below float64; steps_test.cpp goes to bfloat16.
  for (Shape shape : {Shape{7}, Shape{1}, Shape{0, 3}})
    rows.push_back(unary_case(
        "cast", "", shape, [](auto& x) { return cast(cast(x, DType::float64) * 1, x.dtype()); },
        [](double v) { return v; }));
  return rows;
}

std::vector<OpCase> reduce_cases() {
  std::vector<OpCase> rows;
  for (bool is_mean : {false, true}) {
    rows.push_back(reduce_case(is_mean, {3, 4}, {0, 1}, false));
    rows.push_back(reduce_case(is_mean, {3, 4}, {0}, false));
    rows.push_back(reduce_case(is_mean, {3, 4}, {-1}, true));
    rows.push_back(reduce_case(is_mean, {2, 3, 4, 5}, {1, 2}, false));
    rows.push_back(reduce_case(is_mean, {2, 3, 4, 5}, {0, 2}, true));
    rows.push_back(reduce_case(is_mean, {2, 3, 4, 5}, {3, 1}, false));
    rows.push_back(reduce_case(is_mean, {5}, {}, false));
    rows.push_back(reduce_case(is_mean, {1}, {0}, false));
    rows.push_back(reduce_case(is_mean, {0, 3}, {1}, false));
    rows.push_back(reduce_case(is_mean, {150, 2}, {0}, false));  // several slabs of rows
    rows.push_back({is_mean ? "mean" : "sum",
                    "everything",
                    {{{2, 3, 2}}},
                    [=](auto& in) { return is_mean ? mean(in[0]) : sum(in[0]); },
                    [=](const Arrays& in) {
                      return reduced(in[0], {0, 1, 2}, false, is_mean);
                    }});
  }
  rows.push_back(reduce_case(false, {0, 3}, {0}, false));
  struct {
    Shape from, to;
  } shapes[] = {{{3}, {2, 3}}, {{2, 1, 3}, {2, 4, 3}}, {{2, 1}, {2, 5}}, {{1, 3, 1}, {2, 3, 2}},
                {{}, {2, 2}},  {{2, 3}, {2, 3}},       {{1, 3}, {0, 3}}};
  for (auto& s : shapes)
    rows.push_back({"expand",
                    s.from.str() + " to " + s.to.str(),
                    {{s.from}},
                    [=](auto& in) { return expand(in[0], s.to); },
                    [=](const Arrays& in) {
                      Array y(s.to);
                      for (int64_t i = 0; i < s.to.size(); ++i)
                        y[i] = in[0][broadcast_index(s.from, s.to, i)];
                      return y;
                    }});
  return rows;
}

}  // namespace tweed
