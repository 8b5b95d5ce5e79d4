// Matrix products, linear layers, convolutions.
#include "autograd/conv.h"
#include "autograd/matmul.h"
#include "tests/ops/op_cases.h"

namespace tweed {
namespace {

OpCase matmul_case(const Shape& a, const Shape& b, const MatmulOptions& options = {}) {
  const auto [ta, tb] = options;
  return {"matmul",
          a.str() + (ta ? " transposed " : " ") + b.str() + (tb ? " transposed" : ""),
          {{a}, {b}},
          [=](auto& in) { return matmul(in[0], in[1], options); },
          [=](const Arrays& in) {
            const int64_t M = a[ta ? -1 : -2], K = a[ta ? -2 : -1], N = b[tb ? -2 : -1];
            const int64_t batch = a.product(0, a.ndim() - 2);
            Shape shape = a;
            shape.set(-2, M);
            shape.set(-1, N);
            Array y(shape);
            for (int64_t t = 0; t < batch; ++t)
              for (int64_t m = 0; m < M; ++m)
                for (int64_t n = 0; n < N; ++n)
                  for (int64_t k = 0; k < K; ++k) {
                    const int64_t i = ta ? k * M + m : m * K + k, j = tb ? n * K + k : k * N + n;
                    y[(t * M + m) * N + n] +=
                        in[0][t * M * K + i] * in[1][(b.ndim() > 2 ? t * K * N : 0) + j];
                  }
            return y;
          }};
}

double activate(Activation activation, double v) {
  return activation == Activation::relu && v <= 0 ? 0 : v;
}

OpCase linear_case(const Shape& x, int64_t out, bool bias, Activation activation) {
  OpCase row = {"linear",
                x.str() + " to " + std::to_string(out),
                {{x}, {{out, x[-1]}}},
                [=](auto& in) { return linear(in[0], in[1], bias ? in[2] : Tensor(), activation); },
                [=](const Arrays& in) {
                  Shape shape = x;
                  shape.set(-1, out);
                  Array y(shape);
                  const int64_t K = x[-1];
                  for (int64_t i = 0; i < shape.size(); ++i) {
                    double v = bias ? in[2][i % out] : 0;
                    for (int64_t k = 0; k < K; ++k)
                      v += in[0][i / out * K + k] * in[1][i % out * K + k];
                    y[i] = activate(activation, v);
                  }
                  return y;
                }};
  if (bias) row.inputs.push_back({{out}});
  return row;
}

struct Conv {
  Shape x;
  int64_t out, kernel, stride, padding;
  bool bias = true;
  Activation activation = Activation::none;
};

Array convolve(const Conv& p, const Arrays& in) {
  const int64_t H = p.x[1], W = p.x[2];
  const int64_t OH = (H + 2 * p.padding - p.kernel) / p.stride + 1;
  const int64_t OW = (W + 2 * p.padding - p.kernel) / p.stride + 1;
  Array y({p.x[0], OH, OW, p.out});
  for (int64_t n = 0; n < p.x[0]; ++n)
    for (int64_t oh = 0; oh < OH; ++oh)
      for (int64_t ow = 0; ow < OW; ++ow)
        for (int64_t o = 0; o < p.out; ++o) {
          double v = p.bias ? in[2][o] : 0;
          for (int64_t kh = 0; kh < p.kernel; ++kh)
            for (int64_t kw = 0; kw < p.kernel; ++kw) {
              const int64_t h = oh * p.stride - p.padding + kh, w = ow * p.stride - p.padding + kw;
              if (h < 0 || h >= H || w < 0 || w >= W) continue;
              for (int64_t c = 0; c < p.x[3]; ++c)
                v += in[0].at(n, h, w, c) * in[1].at(o, kh, kw, c);
            }
          y.at(n, oh, ow, o) = activate(p.activation, v);
        }
  return y;
}

OpCase conv_case(const Conv& p) {
  OpCase row = {"conv2d",
                p.x.str() + " to " + std::to_string(p.out) + " k" + std::to_string(p.kernel) +
                    " s" + std::to_string(p.stride) + " p" + std::to_string(p.padding),
                {{p.x}, {{p.out, p.kernel, p.kernel, p.x[3]}}},
                [=](auto& in) {
                  return conv2d(
                      in[0], in[1], p.bias ? in[2] : Tensor(),
                      {.stride = p.stride, .padding = p.padding, .activation = p.activation});
                },
                [=](const Arrays& in) { return convolve(p, in); }};
  if (p.bias) row.inputs.push_back({{p.out}});
  return row;
}

}  // namespace

std::vector<OpCase> product_cases() {
  std::vector<OpCase> rows;
  // Batches by one matrix, by a batch, with two leading axes; no rows, no columns, no batch.
  struct {
    Shape a, b;
  } products[] = {{{3, 4}, {4, 5}},       {{1, 1}, {1, 1}},
                  {{2, 3, 4}, {2, 4, 5}}, {{0, 3}, {3, 2}},
                  {{2, 3, 4}, {4, 5}},    {{1, 7}, {7, 1}},
                  {{17, 3}, {3, 18}},     {{2, 3, 5, 4}, {2, 3, 4, 6}},
                  {{2, 2, 3, 4}, {4, 5}}, {{0, 2, 3}, {0, 3, 4}},
                  {{0, 2, 3}, {3, 4}},    {{2, 3, 0}, {2, 0, 4}}};
  for (auto& p : products) rows.push_back(matmul_case(p.a, p.b));
  auto swapped = [](Shape s, bool swap) {
    const int64_t rows = s[-2], columns = s[-1];
    if (swap) s.set(-2, columns);
    if (swap) s.set(-1, rows);
    return s;
  };
  for (MatmulOptions options : {MatmulOptions{true, false}, {false, true}, {true, true}})
    for (auto& p : products)
      rows.push_back(matmul_case(swapped(p.a, options.transpose_a),
                                 swapped(p.b, options.transpose_b), options));

  rows.push_back(linear_case({4, 6}, 5, true, Activation::none));
  rows.push_back(linear_case({4, 6}, 5, false, Activation::none));
  rows.push_back(linear_case({2, 3, 6}, 5, true, Activation::relu));
  rows.push_back(linear_case({1, 1}, 1, true, Activation::none));
  rows.push_back(linear_case({0, 3}, 2, true, Activation::none));

  const Conv convs[] = {{{2, 5, 6, 3}, 4, 3, 1, 1},
                        {{2, 5, 6, 3}, 4, 3, 1, 1, false},
                        {{1, 6, 5, 3}, 2, 3, 2, 1, true, Activation::relu},
                        {{2, 4, 4, 3}, 5, 1, 1, 0},
                        {{1, 4, 5, 3}, 2, 1, 2, 0},
                        {{1, 8, 7, 1}, 2, 7, 2, 3},
                        {{1, 3, 3, 1}, 1, 3, 1, 0},
                        {{0, 4, 4, 2}, 3, 3, 1, 1},
                        {{1, 6, 7, 2}, 2, 4, 3, 2},
                        {{1, 2, 2, 17}, 3, 2, 1, 0},
                        {{1, 4, 5, 2}, 18, 1, 1, 0}};
  for (auto& p : convs) rows.push_back(conv_case(p));
  return rows;
}

}  // namespace tweed
