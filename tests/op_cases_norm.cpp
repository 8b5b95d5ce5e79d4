// Layer norm and its relatives.
#include <cmath>

#include "autograd/norm.h"
#include "tests/op_cases.h"

namespace tweed {
namespace {

// Each row by the mean and variance of its own.
Array layer_norm_of(const Arrays& in, double eps) {
  const Array& x = in[0];
  const int64_t C = x.shape[-1];
  Array y(x.shape);
  for (int64_t i = 0; i < x.shape.size(); ++i) {
    const int64_t start = i / C * C;
    double mean = 0, var = 0;
    for (int64_t c = 0; c < C; ++c) mean += x[start + c];
    mean /= double(C);
    for (int64_t c = 0; c < C; ++c) var += std::pow(x[start + c] - mean, 2) / double(C);
    y[i] = (x[i] - mean) / std::sqrt(var + eps) * in[1][i % C] + in[2][i % C];
  }
  return y;
}

OpCase layer_norm_case(const Shape& shape, double eps, double middle) {
  const Shape channels = {shape[-1]};
  OpCase row = {"layer_norm",
                shape.str(),
                {{shape, middle - 1, middle + 1}, {channels, 0.5, 2}, {channels}},
                [=](auto& in) { return layer_norm(in[0], in[1], in[2], eps); },
                [=](const Arrays& in) { return layer_norm_of(in, eps); }};
  row.tolerance = 10;  // divides by standard deviations below 1
  return row;
}

}  // namespace

std::vector<OpCase> norm_cases() {
  std::vector<OpCase> rows;
  for (const Shape& shape : {Shape{3, 5}, Shape{1, 1}, Shape{7}, Shape{0, 4}, Shape{2, 3, 2, 33},
                             Shape{2, 300}, Shape{130, 2}})
    rows.push_back(layer_norm_case(shape, 1e-5, 0));
  rows.push_back(layer_norm_case({3, 6}, 0.1, 0.5));
  return rows;
}

}  // namespace tweed
