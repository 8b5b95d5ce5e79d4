// Layer norm and group norm; stochastic depth.
#include <cmath>

#include "autograd/dropout.h"
#include "autograd/norm.h"
#include "tests/ops/op_cases.h"

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

// Each row by its own root mean square.
OpCase rms_norm_case(const Shape& shape, double eps) {
  const int64_t C = shape[-1];
  OpCase row = {"rms_norm",
                shape.str() + " eps " + std::to_string(eps),
                {{shape, -1, 1.5}, {{C}, 0.5, 2}},
                [=](auto& in) { return rms_norm(in[0], in[1], eps); },
                [=](const Arrays& in) {
                  Array y(shape);
                  for (int64_t i = 0; i < shape.size(); ++i) {
                    double squares = 0;
                    for (int64_t c = 0; c < C; ++c)
                      squares += std::pow(in[0][i / C * C + c], 2) / double(C);
                    y[i] = in[0][i] / std::sqrt(squares + eps) * in[1][i % C];
                  }
                  return y;
                }};
  row.tolerance = 10;  // divides by root mean squares below 1
  return row;
}

// Each element by the mean and variance of those of its sample and group.
Array group_norm_of(const Arrays& in, int64_t groups) {
  const Array& x = in[0];
  const int64_t N = x.shape[0], C = x.shape[-1], pixels = x.shape.product(1, x.shape.ndim() - 1);
  const int64_t D = C / groups;
  Array y(x.shape);
  for (int64_t n = 0; n < N; ++n)
    for (int64_t g = 0; g < groups; ++g) {
      std::vector<int64_t> members;
      for (int64_t p = 0; p < pixels; ++p)
        for (int64_t c = g * D; c < (g + 1) * D; ++c) members.push_back((n * pixels + p) * C + c);
      double mean = 0, var = 0;
      for (int64_t i : members) mean += x[i] / double(members.size());
      for (int64_t i : members) var += std::pow(x[i] - mean, 2) / double(members.size());
      for (int64_t i : members)
        y[i] = (x[i] - mean) / std::sqrt(var + 1e-5) * in[1][i % C] + in[2][i % C];
    }
  return y;
}

OpCase group_norm_case(const Shape& shape, int64_t groups, double middle = 0) {
  const Shape channels = {shape[-1]};
  OpCase row = {"group_norm",
                shape.str() + " in " + std::to_string(groups),
                {{shape, middle - 1, middle + 1}, {channels, 0.5, 2}, {channels}},
                [=](auto& in) { return group_norm(in[0], groups, in[1], in[2]); },
                [=](const Arrays& in) { return group_norm_of(in, groups); }};
  row.tolerance = 10;  // divides by standard deviations below 1
  return row;
}

// group_norm() with a group for each channel.
OpCase instance_norm_case(const Shape& shape, bool affine) {
  OpCase row = group_norm_case(shape, shape[-1]);
  row.what = "instance norm of " + shape.str() + (affine ? " affine" : "");
  row.f = [=](auto& in) {
    return affine ? instance_norm(in[0], in[1], in[2]) : instance_norm(in[0]);
  };
  if (affine) return row;
  row.inputs.resize(1);
  row.reference = [=](const Arrays& in) {
    Array one(Shape{shape[-1]}), zero(Shape{shape[-1]});
    for (double& v : one.v) v = 1;
    return group_norm_of({in[0], one, zero}, shape[-1]);
  };
  return row;
}

// Number n of the key decides for sample n.
OpCase drop_path_case(const Shape& shape, double p) {
  const RandomKey key = {7, Purpose::dropout, 3, 2};
  return {"drop_path",
          shape.str() + " p " + std::to_string(p),
          {{shape}},
          [=](auto& in) { return drop_path(in[0], p, key, true); },
          [=](const Arrays& in) {
            Array y = in[0];
            const int64_t inner = shape.product(1, shape.ndim());
            for (int64_t i = 0; i < shape.size(); ++i) {
              const int64_t n = i / inner;
              const bool dropped = uniform_float(key.block(n / 4).v[n % 4]) < float(p);
              y[i] = dropped ? 0 : y[i] / (1 - p);
            }
            return y;
          }};
}

}  // namespace

std::vector<OpCase> norm_cases() {
  std::vector<OpCase> rows;
  for (const Shape& shape : {Shape{3, 5}, Shape{1, 1}, Shape{7}, Shape{0, 4}, Shape{2, 3, 2, 33},
                             Shape{2, 300}, Shape{130, 2}})
    rows.push_back(layer_norm_case(shape, 1e-5, 0));
  for (const Shape& shape : {Shape{7, 3}, Shape{1}, Shape{5}, Shape{0, 2}, Shape{6, 2, 3, 3}})
    rows.push_back(drop_path_case(shape, 0.4));
  rows.push_back(drop_path_case({4, 3}, 1));
  rows.push_back(layer_norm_case({3, 6}, 0.1, 0.5));
  for (const Shape& shape : {Shape{3, 5}, Shape{1, 1}, Shape{7}, Shape{0, 4}, Shape{2, 3, 2, 33},
                             Shape{2, 300}, Shape{130, 2}})
    for (double eps : {0x1p-23, 0.1}) rows.push_back(rms_norm_case(shape, eps));
  rows.push_back(instance_norm_case({2, 3, 2, 6}, true));
  rows.push_back(instance_norm_case({2, 3, 2, 6}, false));
  rows.push_back(instance_norm_case({3, 5, 4}, false));
  rows.push_back(instance_norm_case({0, 2, 4}, false));
  rows.push_back(group_norm_case({2, 3, 2, 6}, 3));
  rows.push_back(group_norm_case({2, 3, 2, 6}, 1, 0.5));
  rows.push_back(group_norm_case({3, 5, 4}, 4));
  rows.push_back(group_norm_case({3, 9}, 3));
  rows.push_back(group_norm_case({1, 1}, 1));
  rows.push_back(group_norm_case({0, 2, 4}, 2));
  rows.push_back(group_norm_case({2, 0, 4}, 2));
  rows.push_back(group_norm_case({1, 2, 280}, 5));
  return rows;
}

}  // namespace tweed
