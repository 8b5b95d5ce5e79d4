// Pools, unfold and fold.
#include <cmath>

#include "autograd/conv.h"
#include "autograd/pool.h"
#include "tests/op_cases.h"

namespace tweed {
namespace {

struct Pooling {
  Shape shape;
  int64_t kernel, stride, padding;

  std::string str() const {
    return shape.str() + " k" + std::to_string(kernel) + " s" + std::to_string(stride) + " p" +
           std::to_string(padding);
  }
  int64_t out(int axis) const { return (shape[axis] + 2 * padding - kernel) / stride + 1; }
};

// Calls visit(output, input) for the indexes of each output and the inputs under its window.
template <class F>
void for_each_cell(const Pooling& p, F visit) {
  const int64_t N = p.shape[0], H = p.shape[1], W = p.shape[2], C = p.shape[3];
  int64_t output = 0;
  for (int64_t n = 0; n < N; ++n)
    for (int64_t oh = 0; oh < p.out(1); ++oh)
      for (int64_t ow = 0; ow < p.out(2); ++ow)
        for (int64_t c = 0; c < C; ++c, ++output)
          for (int64_t kh = 0; kh < p.kernel; ++kh)
            for (int64_t kw = 0; kw < p.kernel; ++kw) {
              const int64_t h = oh * p.stride - p.padding + kh, w = ow * p.stride - p.padding + kw;
              if (h >= 0 && h < H && w >= 0 && w < W) visit(output, ((n * H + h) * W + w) * C + c);
            }
}

OpCase max_case(const Pooling& p) {
  return {"max_pool2d",
          p.str(),
          {{p.shape, -1, 1, true}},
          [=](auto& in) { return max_pool2d(in[0], p.kernel, p.stride, p.padding); },
          [=](const Arrays& in) {
            Array y({p.shape[0], p.out(1), p.out(2), p.shape[3]});
            for (double& v : y.v) v = -INFINITY;
            for_each_cell(p, [&](int64_t o, int64_t i) { y[o] = std::max(y[o], in[0][i]); });
            return y;
          }};
}

OpCase avg_case(const Pooling& p) {
  return {"avg_pool2d",
          p.str(),
          {{p.shape}},
          [=](auto& in) { return avg_pool2d(in[0], p.kernel, p.stride, p.padding); },
          [=](const Arrays& in) {
            Array y({p.shape[0], p.out(1), p.out(2), p.shape[3]});
            for_each_cell(
                p, [&](int64_t o, int64_t i) { y[o] += in[0][i] / double(p.kernel * p.kernel); });
            return y;
          }};
}

// The column entry (place, kh, kw, c) of each pixel that unfold copies.
template <class F>
void for_each_column(const Pooling& p, F visit) {
  const int64_t N = p.shape[0], H = p.shape[1], W = p.shape[2], C = p.shape[3];
  int64_t column = 0;
  for (int64_t n = 0; n < N; ++n)
    for (int64_t oh = 0; oh < p.out(1); ++oh)
      for (int64_t ow = 0; ow < p.out(2); ++ow)
        for (int64_t kh = 0; kh < p.kernel; ++kh)
          for (int64_t kw = 0; kw < p.kernel; ++kw)
            for (int64_t c = 0; c < C; ++c, ++column) {
              const int64_t h = oh * p.stride - p.padding + kh, w = ow * p.stride - p.padding + kw;
              if (h >= 0 && h < H && w >= 0 && w < W) visit(column, ((n * H + h) * W + w) * C + c);
            }
}

std::vector<OpCase> unfold_cases(const Pooling& p) {
  const Shape columns = {p.shape[0] * p.out(1) * p.out(2), p.kernel * p.kernel * p.shape[3]};
  OpCase unfolds = {"unfold",
                    p.str(),
                    {{p.shape}},
                    [=](auto& in) { return unfold(in[0], p.kernel, p.stride, p.padding); },
                    [=](const Arrays& in) {
                      Array y(columns);
                      for_each_column(p, [&](int64_t o, int64_t i) { y[o] = in[0][i]; });
                      return y;
                    }};
  OpCase folds = {"fold",
                  p.str(),
                  {{columns}},
                  [=](auto& in) { return fold(in[0], p.shape, p.kernel, p.stride, p.padding); },
                  [=](const Arrays& in) {
                    Array y(p.shape);
                    for_each_column(p, [&](int64_t o, int64_t i) { y[i] += in[0][o]; });
                    return y;
                  }};
  return {unfolds, folds};
}

}  // namespace

std::vector<OpCase> window_cases() {
  const Pooling poolings[] = {
      {{2, 6, 6, 3}, 3, 2, 1},  {{1, 7, 5, 2}, 3, 2, 1}, {{2, 6, 5, 4}, 2, 2, 0},
      {{1, 3, 3, 33}, 2, 1, 0}, {{1, 5, 6, 3}, 3, 1, 1}, {{1, 7, 7, 2}, 3, 3, 0},
      {{1, 9, 8, 2}, 4, 3, 2},  {{1, 7, 6, 2}, 5, 2, 2}, {{1, 4, 4, 1}, 7, 1, 3},
      {{1, 1, 1, 1}, 1, 1, 0},  {{1, 1, 1, 2}, 3, 2, 1}, {{0, 4, 4, 2}, 2, 2, 0},
      {{1, 2, 1, 260}, 2, 2, 1}};
  std::vector<OpCase> rows;
  for (auto& p : poolings) {
    rows.push_back(max_case(p));
    rows.push_back(avg_case(p));
    if (p.shape[3] < 100)  // a row of columns there is long
      for (auto& row : unfold_cases(p)) rows.push_back(row);
  }
  for (auto& row : unfold_cases({{1, 1, 1, 260}, 1, 1, 0})) rows.push_back(row);
  rows.push_back({"mean",
                  "global_avg_pool",
                  {{{2, 3, 4, 5}}},
                  [](auto& in) { return global_avg_pool(in[0]); },
                  [](const Arrays& in) {
                    Array y({2, 5});
                    for (int64_t i = 0; i < in[0].shape.size(); ++i)
                      y[i / 60 * 5 + i % 5] += in[0][i] / 12;
                    return y;
                  }});
  return rows;
}

}  // namespace tweed
