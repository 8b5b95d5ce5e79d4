// Functions of one number; maximum, minimum and where.
#include <cmath>

#include "autograd/elementwise.h"
#include "autograd/functions.h"
#include "tests/ops/op_cases.h"

namespace tweed {
namespace {

struct Function {
  const char* op;
  Tensor (*f)(const Tensor&);
  double (*reference)(double);
  double lo = -4, hi = 4;
  std::vector<double> kinks = {};
};

double logistic_of(double x) { return 1 / (1 + std::exp(-x)); }
double softplus_of(double x) {
  return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x));
}

// References take another way than the formulas where there is one.
const Function functions[] = {
    {"leaky_relu",
     [](const Tensor& x) { return leaky_relu(x, 0.1); },
     [](double x) { return std::max(x, 0.1 * x); },
     -4,
     4,
     {0}},
    {"elu",
     [](const Tensor& x) { return elu(x, 1.5); },
     [](double x) { return x > 0 ? x : 1.5 * (std::exp(x) - 1); },
     -4,
     4,
     {0}},
    {"sigmoid", sigmoid, [](double x) { return 0.5 * (1 + std::tanh(x / 2)); }},
    {"tanh", tanh, [](double x) { return 1 - 2 / (std::exp(2 * x) + 1); }},
    {"gelu", gelu, [](double x) { return x / 2 * std::erfc(-x / std::sqrt(2.)); }},
    {"gelu_tanh", gelu_tanh,
     [](double x) {
       return x * logistic_of(2 * std::sqrt(2 / M_PI) * (x + 0.044715 * std::pow(x, 3)));
     }},
    {"silu", silu, [](double x) { return x / (1 + std::exp(-x)); }},
    {"mish", mish, [](double x) { return x * std::tanh(softplus_of(x)); }},
    {"softplus", softplus, softplus_of},
    {"hardswish",
     hardswish,
     [](double x) { return x * std::min(std::max(x + 3, 0.), 6.) / 6; },
     -4,
     4,
     {-3, 3}},
    {"relu6", relu6, [](double x) { return std::min(std::max(x, 0.), 6.); }, -4, 9, {0, 6}},
    {"hardsigmoid",
     hardsigmoid,
     [](double x) { return std::min(std::max(x + 3, 0.), 6.) / 6; },
     -4,
     4,
     {-3, 3}},
    {"hardtanh_low",
     [](const Tensor& x) { return hardtanh(x); },
     [](double x) { return std::min(std::max(x, -1.), 1.); },
     -2,
     2,
     {-1, 1}},
    {"hardtanh_high",
     [](const Tensor& x) { return hardtanh(x, -2, 0.5); },
     [](double x) { return std::min(std::max(x, -2.), 0.5); },
     -4,
     4,
     {-2, 0.5}},
    {"exp", exp, [](double x) { return std::pow(M_E, x); }},
    {"log", log, [](double x) { return std::log2(x) * M_LN2; }, 0.5, 4},
    {"sqrt", sqrt, [](double x) { return std::pow(x, 0.5); }, 0.5, 4},
    {"abs", abs, [](double x) { return std::max(x, -x); }, -4, 4, {0}},
    {"pow", [](const Tensor& x) { return pow(x, 3); }, [](double x) { return x * x * x; }, -2, 2},
    {"pow", [](const Tensor& x) { return pow(x, -0.5); }, [](double x) { return 1 / std::sqrt(x); },
     0.5, 4},
    {"pow", [](const Tensor& x) { return pow(x, 0); }, [](double) { return 1.; }},
    {"clamp_min",
     [](const Tensor& x) { return clamp(x, -1, INFINITY); },
     [](double x) { return std::max(x, -1.); },
     -4,
     4,
     {-1}},
    {"clamp_max",
     [](const Tensor& x) { return clamp(x, -2, 1.5); },
     [](double x) { return std::min(std::max(x, -2.), 1.5); },
     -4,
     4,
     {-2, 1.5}},
};

OpCase function_case(const Function& f, const Shape& shape) {
  auto near_kink = [kinks = f.kinks](double v) {
    for (double k : kinks)
      if (std::abs(v - k) < 1e-5) return true;
    return false;
  };
  return {f.op,
          shape.str(),
          {{shape, f.lo, f.hi}},
          [=](auto& in) { return f.f(in[0]); },
          [=](const Arrays& in) {
            Array y(in[0].shape);
            for (int64_t i = 0; i < y.shape.size(); ++i) y[i] = f.reference(in[0][i]);
            return y;
          },
          near_kink};
}

// `smaller` of the two inputs keep apart, so that no difference quotient crosses.
OpCase extreme_case(bool larger, const Shape& a, const Shape& b) {
  return {larger ? "maximum" : "minimum",
          a.str() + " and " + b.str(),
          {{a, -1, 1, true}, {b, -0.9, 1.17, true}},
          [=](auto& in) { return larger ? maximum(in[0], in[1]) : minimum(in[0], in[1]); },
          [=](const Arrays& in) {
            Array y(broadcast_shape(in[0].shape, in[1].shape));
            for (int64_t i = 0; i < y.shape.size(); ++i) {
              const double v = in[0][broadcast_index(in[0].shape, y.shape, i)],
                           w = in[1][broadcast_index(in[1].shape, y.shape, i)];
              y[i] = larger == (v > w) ? v : w;
            }
            return y;
          }};
}

// Distinct and an odd number of steps, so that none is 0.
OpCase prelu_case(const Shape& x, const Shape& slope) {
  return {"prelu",
          x.str() + " slope " + slope.str(),
          {{x, -1, 1.07, true}, {slope, -0.5, 2}},
          [](auto& in) { return prelu(in[0], in[1]); },
          [=](const Arrays& in) {
            Array y(x);
            for (int64_t i = 0; i < x.size(); ++i)
              y[i] = in[0][i] * (in[0][i] > 0 ? 1 : in[1][i % slope[0]]);
            return y;
          }};
}

// Every third element of the condition is 0.
OpCase where_case(const Shape& condition, const Shape& a, const Shape& b) {
  std::vector<uint8_t> bits;
  for (int64_t i = 0; i < condition.size(); ++i) bits.push_back(i % 3 ? uint8_t(i) : 0);
  return {
      "where",
      condition.str() + ", " + a.str() + ", " + b.str(),
      {{a}, {b}},
      [=](auto& in) { return where(Tensor::from(bits, condition, in[0].device()), in[0], in[1]); },
      [=](const Arrays& in) {
        Array y(broadcast_shape(condition, broadcast_shape(a, b)));
        for (int64_t i = 0; i < y.shape.size(); ++i)
          y[i] = bits[std::size_t(broadcast_index(condition, y.shape, i))]
                     ? in[0][broadcast_index(a, y.shape, i)]
                     : in[1][broadcast_index(b, y.shape, i)];
        return y;
      }};
}

}  // namespace

std::vector<OpCase> function_cases() {
  std::vector<OpCase> rows;
  for (auto& f : functions)
    for (Shape shape : {Shape{3, 37}, Shape{}, Shape{0, 4}})
      rows.push_back(function_case(f, shape));
  for (bool larger : {false, true})
    for (auto& [a, b] : std::vector<std::pair<Shape, Shape>>{{{3, 7}, {3, 7}},
                                                             {{2, 3, 4}, {4}},
                                                             {{3, 1}, {3, 5}},
                                                             {{3, 1}, {1, 4}},
                                                             {{}, {}},
                                                             {{0, 3}, {3}}})
      rows.push_back(extreme_case(larger, a, b));
  rows.push_back(prelu_case({3, 7}, {1}));
  rows.push_back(prelu_case({3, 7}, {7}));
  rows.push_back(prelu_case({2, 3, 2, 4}, {4}));
  rows.push_back(prelu_case({5}, {5}));
  rows.push_back(prelu_case({1}, {1}));
  rows.push_back(prelu_case({0, 3}, {3}));
  rows.push_back(where_case({3, 7}, {3, 7}, {3, 7}));
  rows.push_back(where_case({4}, {2, 3, 4}, {2, 3, 4}));
  rows.push_back(where_case({2, 3, 4}, {}, {3, 1}));
  rows.push_back(where_case({1}, {5}, {1}));
  rows.push_back(where_case({0, 2}, {0, 2}, {2}));
  return rows;
}

}  // namespace tweed
