// Softmax, batch norm; and operations that only move elements.
#include <cmath>

#include "autograd/dispatch.h"
#include "autograd/loss.h"
#include "autograd/norm.h"
#include "autograd/shape_ops.h"
#include "tests/ops/op_cases.h"

namespace tweed {
namespace {

Array log_softmax_of(const Array& x) {
  Array y(x.shape);
  const int64_t C = x.shape[-1];
  for (int64_t row = 0; row * C < x.shape.size(); ++row) {
    double top = -INFINITY, sum = 0;
    for (int64_t c = 0; c < C; ++c) top = std::max(top, x[row * C + c]);
    for (int64_t c = 0; c < C; ++c) sum += std::exp(x[row * C + c] - top);
    for (int64_t c = 0; c < C; ++c) y[row * C + c] = x[row * C + c] - top - std::log(sum);
  }
  return y;
}

std::vector<OpCase> softmax_cases() {
  std::vector<OpCase> rows;
  for (const CaseInput& input : {CaseInput{{3, 5}}, CaseInput{{1, 1}}, CaseInput{{2, 2, 3}},
                                 CaseInput{{0, 4}}, CaseInput{{7}}, CaseInput{{2, 40}, -30, 30}}) {
    rows.push_back({"softmax",
                    input.shape.str(),
                    {input},
                    [](auto& in) { return softmax(in[0]); },
                    [](const Arrays& in) {
                      Array y = log_softmax_of(in[0]);
                      for (double& v : y.v) v = std::exp(v);
                      return y;
                    }});
    rows.push_back({"log_softmax",
                    input.shape.str(),
                    {input},
                    [](auto& in) { return log_softmax(in[0]); },
                    [](const Arrays& in) { return log_softmax_of(in[0]); }});
  }
  return rows;
}

struct Norm {
  Shape shape;
  bool training = true;
  double eps = 1e-5;
  Activation activation = Activation::none;
  double middle = 0;  // of x's values
};

double running_mean_of(int64_t c) { return 0.1 * double(c % 5); }
double running_var_of(int64_t c) { return 0.5 + 0.2 * double(c % 4); }

Array batch_norm_of(const Norm& p, const Arrays& in) {
  const Array& x = in[0];
  const int64_t C = p.shape[-1], rows = p.shape.size() / C;
  Array y(p.shape);
  for (int64_t c = 0; c < C; ++c) {
    double mean = running_mean_of(c), var = running_var_of(c);
    if (p.training) {
      mean = var = 0;
      for (int64_t r = 0; r < rows; ++r) mean += x[r * C + c] / double(rows);
      for (int64_t r = 0; r < rows; ++r)
        var += (x[r * C + c] - mean) * (x[r * C + c] - mean) / double(rows);
    }
    for (int64_t r = 0; r < rows; ++r) {
      const double v = (x[r * C + c] - mean) / std::sqrt(var + p.eps) * in[1][c] + in[2][c];
      y[r * C + c] = p.activation == Activation::relu && v <= 0 ? 0 : v;
    }
  }
  return y;
}

Tensor run_batch_norm(const Norm& p, const std::vector<Tensor>& in) {
  const int64_t C = p.shape[-1];
  std::vector<double> mean, var;
  for (int64_t c = 0; c < C; ++c) {
    mean.push_back(running_mean_of(c));
    var.push_back(running_var_of(c));
  }
  auto running = [&](const std::vector<double>& values) {
    return Tensor::from(values, {C}).to(accumulator_dtype(in[0])).to(in[0].device());
  };
  return batch_norm(in[0], in[1], in[2], running(mean), running(var),
                    {.training = p.training, .eps = p.eps, .activation = p.activation});
}

OpCase batch_norm_case(const Norm& p) {
  const Shape channels = {p.shape[-1]};
  OpCase row = {"batch_norm",
                p.shape.str() + (p.training ? " training" : "") +
                    (p.activation == Activation::relu ? " relu" : ""),
                {{p.shape, p.middle - 1, p.middle + 1}, {channels, 0.5, 2}, {channels}},
                [=](auto& in) { return run_batch_norm(p, in); },
                [=](const Arrays& in) { return batch_norm_of(p, in); }};
  row.tolerance = 10;  // divides by standard deviations below 1
  return row;
}

OpCase concat_case(const std::vector<Shape>& shapes, int axis) {
  std::vector<CaseInput> inputs;
  for (auto& shape : shapes) inputs.push_back({shape});
  return {"concat", "axis " + std::to_string(axis) + " of " + shapes[0].str(), inputs,
          [=](auto& in) { return concat(in, axis); },
          [=](const Arrays& in) {
            const int along = axis < 0 ? axis + shapes[0].ndim() : axis;
            Shape shape = shapes[0];
            int64_t total = 0;
            for (auto& part : in) total += part.shape[along];
            shape.set(along, total);
            Array y(shape);
            const int64_t inner = shape.product(along + 1, shape.ndim());
            int64_t at = 0;
            for (auto& part : in) {
              const int64_t width = part.shape[along] * inner;
              for (int64_t i = 0; i < part.shape.size(); ++i)
                y[i / width * total * inner + at + i % width] = part[i];
              at += width;
            }
            return y;
          }};
}

}  // namespace

std::vector<OpCase> row_cases() {
  std::vector<OpCase> rows = softmax_cases();
  const Norm norms[] = {{{6, 5}},
                        {{2, 3, 4, 3}},
                        {{2, 1}},
                        {{40, 2}},
                        {{2, 260}},
                        {{6, 5}, true, 0.1},
                        {{6, 5}, false},
                        {{2, 2, 2, 3}, false, 1e-5, Activation::relu},
                        {{2, 2, 2, 3}, true, 1e-5, Activation::relu},
                        {{0, 3}, false},
                        {{1, 3}, false}};
  for (auto& p : norms) rows.push_back(batch_norm_case(p));
  return rows;
}

std::vector<OpCase> move_cases() {
  std::vector<OpCase> rows;
  rows.push_back({"reshape",
                  "",
                  {{{2, 6}}},
                  [](auto& in) {
                    return reshape(in[0], {3, -1});
                  },
                  [](const Arrays& in) {
                    Array y = in[0];
                    y.shape = {3, 4};
                    return y;
                  }});
  for (Shape shape : {Shape{2, 3, 4, 5}, Shape{2, 1, 1, 3}, Shape{1, 1, 3, 1}, Shape{0, 2, 2, 2},
                      Shape{2, 3, 40, 2}})
    rows.push_back({shape[1] * shape[2] == 1 || shape[0] == 0 ? "reshape" : "flatten",
                    shape.str(),
                    {{shape}},
                    [](auto& in) { return flatten(in[0]); },
                    [=](const Arrays& in) {
                      Array y({shape[0], shape.product(1, 4)});
                      int64_t i = 0;
                      for (int64_t n = 0; n < shape[0]; ++n)
                        for (int64_t c = 0; c < shape[3]; ++c)
                          for (int64_t h = 0; h < shape[1]; ++h)
                            for (int64_t w = 0; w < shape[2]; ++w) y[i++] = in[0].at(n, h, w, c);
                      return y;
                    }});
  rows.push_back(concat_case({{2, 3}, {1, 3}, {4, 3}}, 0));
  rows.push_back(concat_case({{2, 3}, {2, 1}}, -1));
  rows.push_back(concat_case({{2, 1, 3}, {2, 4, 3}}, 1));
  rows.push_back(concat_case({{2, 0}, {2, 2}}, 1));
  rows.push_back(concat_case({{5}}, 0));
  return rows;
}

}  // namespace tweed
