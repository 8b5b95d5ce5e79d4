// Functions of one number.
#include <cmath>

#include "autograd/elementwise.h"
#include "tests/op_cases.h"

namespace tweed {
namespace {

double cut(double v, double lo, double hi) { return std::min(std::max(v, lo), hi); }

struct Function {
  const char* op;
  std::function<Tensor(const Tensor&)> f;
  std::function<double(double)> formula;
  double lo = -4, hi = 4;
  std::vector<double> kinks = {};
  double tolerance = 1;
};

std::vector<Function> functions() {
  const double pi = std::acos(-1.0);
  return {
      {"leaky_relu",
       [](auto& x) { return leaky_relu(x); },
       [](double v) { return std::max(v, 0.01 * v); },
       -4,
       4,
       {0}},
      {"leaky_relu",
       [](auto& x) { return leaky_relu(x, 1.5); },
       [](double v) { return v < 0 ? 1.5 * v : v; },
       -4,
       4,
       {0}},
      {"sigmoid", [](auto& x) { return sigmoid(x); },
       [](double v) { return (1 + std::tanh(v / 2)) / 2; }},
      {"sigmoid", [](auto& x) { return sigmoid(x); },
       [](double v) { return (1 + std::tanh(v / 2)) / 2; }, -150, 150},
      {"tanh", [](auto& x) { return tanh(x); }, [](double v) { return std::tanh(v); }},
      {"gelu", [](auto& x) { return gelu(x); },
       [](double v) { return v / 2 * std::erfc(-v / std::sqrt(2.0)); }},
      {"gelu", [](auto& x) { return gelu(x); },
       [](double v) { return v / 2 * std::erfc(-v / std::sqrt(2.0)); }, -60, 60},
      {"gelu_tanh", [](auto& x) { return gelu_tanh(x); },
       [=](double v) {
         return v / 2 * (1 + std::tanh(std::sqrt(2 / pi) * (v + 0.044715 * std::pow(v, 3))));
       }},
      {"silu", [](auto& x) { return silu(x); },
       [](double v) { return v / 2 * (1 + std::tanh(v / 2)); }},
      {"mish", [](auto& x) { return mish(x); },
       [](double v) { return v * std::tanh(std::log1p(std::exp(v))); }},
      {"mish", [](auto& x) { return mish(x); },
       [](double v) {
         return v * std::tanh(std::max(v, 0.0) + std::log1p(std::exp(-std::abs(v))));
       },
       -150, 150},
      {"softplus", [](auto& x) { return softplus(x); },
       [](double v) { return std::log1p(std::exp(v)); }},
      {"softplus",
       [](auto& x) { return softplus(x); },
       [](double v) { return v > 20 ? v : std::log1p(std::exp(v)); },
       -150,
       150,
       {20}},
      {"elu",
       [](auto& x) { return elu(x); },
       [](double v) { return v > 0 ? v : std::expm1(v); },
       -4,
       4,
       {0}},
      {"elu",
       [](auto& x) { return elu(x, 0.5); },
       [](double v) { return v > 0 ? v : 0.5 * std::expm1(v); },
       -4,
       4,
       {0}},
      {"hardswish",
       [](auto& x) { return hardswish(x); },
       [](double v) { return v * cut(v / 6 + 0.5, 0, 1); },
       -5,
       5,
       {-3, 3}},
      {"exp", [](auto& x) { return exp(x); }, [](double v) { return std::exp(v); }},
      {"log", [](auto& x) { return log(x); }, [](double v) { return std::log(v); }, 0.1, 9},
      {"sqrt", [](auto& x) { return sqrt(x); }, [](double v) { return std::sqrt(v); }, 0.1, 9},
      {"abs", [](auto& x) { return abs(x); }, [](double v) { return std::abs(v); }, -2, 2, {0}},
      {"pow", [](auto& x) { return pow(x, 2.5); }, [](double v) { return v * v * std::sqrt(v); },
       0.1, 3},
      {"pow", [](auto& x) { return pow(x, -1); }, [](double v) { return 1 / v; }, 0.3, 3},
      {"pow", [](auto& x) { return pow(x, 3); }, [](double v) { return v * v * v; }},
      {"pow", [](auto& x) { return pow(x, 0); }, [](double) { return 1.0; }},
      {"clamp",
       [](auto& x) { return clamp(x, -0.5, 1.25); },
       [](double v) { return cut(v, -0.5, 1.25); },
       -2,
       2,
       {-0.5, 1.25}},
      {"clamp",
       [](auto& x) { return clamp(x, -INFINITY, 1); },
       [](double v) { return std::min(v, 1.0); },
       -2,
       2,
       {1}},
  };
}

}  // namespace

std::vector<OpCase> activation_cases() {
  std::vector<OpCase> rows;
  for (const Function& function : functions())
    for (Shape shape : {Shape{5, 7}, Shape{1}, Shape{}, Shape{0, 4}, Shape{67}})
      rows.push_back({function.op,
                      shape.str() + " in " + std::to_string(function.lo) + " ...",
                      {{shape, function.lo, function.hi}},
                      [=](auto& in) { return function.f(in[0]); },
                      [=](const Arrays& in) {
                        Array y(in[0].shape);
                        for (int64_t i = 0; i < y.shape.size(); ++i)
                          y[i] = function.formula(in[0][i]);
                        return y;
                      },
                      [=](double v) {
                        for (double kink : function.kinks)
                          if (std::abs(v - kink) < 1e-5) return true;
                        return false;
                      },
                      function.tolerance});
  return rows;
}

}  // namespace tweed
