// Normalisation of rows.
#include <cmath>

#include "autograd/norm.h"
#include "tests/op_cases.h"

namespace tweed {
namespace {

// (x - mean) / sqrt(var + eps) in place over the elements named by `members`.
void normalise(Array& x, const std::vector<int64_t>& members, double eps) {
  double mean = 0, var = 0;
  for (int64_t i : members) mean += x[i] / double(members.size());
  for (int64_t i : members) var += (x[i] - mean) * (x[i] - mean) / double(members.size());
  for (int64_t i : members) x[i] = (x[i] - mean) / std::sqrt(var + eps);
}

// x * gamma + beta, which are in[1] and in[2].
Array scaled(Array x, const Arrays& in) {
  const int64_t C = x.shape[-1];
  for (int64_t i = 0; i < x.shape.size(); ++i) x[i] = x[i] * in[1][i % C] + in[2][i % C];
  return x;
}

OpCase layer_norm_case(const Shape& shape, double eps = 1e-5) {
  const Shape channels = {shape[-1]};
  OpCase row = {"layer_norm",
                shape.str() + " eps " + std::to_string(eps),
                {{shape, -1, 2}, {channels, 0.5, 2}, {channels}},
                [=](auto& in) { return layer_norm(in[0], in[1], in[2], eps); },
                [=](const Arrays& in) {
                  Array y = in[0];
                  const int64_t C = shape[-1];
                  for (int64_t first = 0; first < shape.size(); first += C) {
                    std::vector<int64_t> members;
                    for (int64_t c = 0; c < C; ++c) members.push_back(first + c);
                    normalise(y, members, eps);
                  }
                  return scaled(y, in);
                }};
  row.tolerance = 10;  // divides by standard deviations below 1
  return row;
}

}  // namespace

std::vector<OpCase> norm_cases() {
  std::vector<OpCase> rows;
  for (Shape shape : {Shape{6, 5}, Shape{2, 3, 4, 3}, Shape{7}, Shape{1, 33}, Shape{70, 6},
                      Shape{2, 260}, Shape{0, 3}})
    rows.push_back(layer_norm_case(shape));
  rows.push_back(layer_norm_case({4, 6}, 0.1));
  rows.push_back(layer_norm_case({3, 1}, 0.5));  // the result is beta
  return rows;
}

}  // namespace tweed
