// Pools, unfold and fold.
#include <cmath>

#include "autograd/conv.h"
#include "autograd/pool.h"
#include "tests/ops/op_cases.h"

namespace tweed {
namespace {

struct Pooling {
  Shape shape;
  int64_t kernel, stride, padding;
  bool ceil_mode = false, count_include_pad = true;

  std::string str() const {
    return shape.str() + " k" + std::to_string(kernel) + " s" + std::to_string(stride) + " p" +
           std::to_string(padding) + (ceil_mode ? " ceil" : "") +
           (count_include_pad ? "" : " inside");
  }
  // Counts the windows that begin in the image or the padding before it and, but in ceil mode, end
  // in the image or the padding after it.
  int64_t out(int axis) const {
    int64_t count = 0;
    for (int64_t first = -padding; first < shape[axis]; first += stride) {
      const bool ends_inside = first + kernel <= shape[axis] + padding;
      const bool begins_earlier = first + kernel < shape[axis] + padding + stride;
      count += ceil_mode ? begins_earlier : ends_inside;
    }
    return count;
  }
  // The pixels of an axis under window o.
  int64_t cells(int axis, int64_t o) const {
    int64_t count = 0;
    for (int64_t i = o * stride - padding; i < o * stride - padding + kernel; ++i)
      count += i >= 0 && i < shape[axis];
    return count;
  }
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
          [=](auto& in) {
            return max_pool2d(in[0], p.kernel, {p.stride, p.padding, p.ceil_mode});
          },
          [=](const Arrays& in) {
            Array y({p.shape[0], p.out(1), p.out(2), p.shape[3]});
            for (double& v : y.v) v = -INFINITY;
            for_each_cell(p, [&](int64_t o, int64_t i) { y[o] = std::max(y[o], in[0][i]); });
            return y;
          }};
}

OpCase avg_case(const Pooling& p) {
  return {
      "avg_pool2d",
      p.str(),
      {{p.shape}},
      [=](auto& in) {
        return avg_pool2d(in[0], p.kernel, {p.stride, p.padding, p.ceil_mode, p.count_include_pad});
      },
      [=](const Arrays& in) {
        Array y({p.shape[0], p.out(1), p.out(2), p.shape[3]}), count = y;
        for_each_cell(p, [&](int64_t o, int64_t i) {
          y[o] += in[0][i];
          count[o] += 1;
        });
        // With padding that counts: the pools of an image of ones with a border of ones.
        if (p.count_include_pad) {
          Pooling bordered = p;
          bordered.padding = 0;
          bordered.shape.set(1, p.shape[1] + 2 * p.padding);
          bordered.shape.set(2, p.shape[2] + 2 * p.padding);
          for (int64_t i = 0; i < y.shape.size(); ++i) {
            const int64_t place = i / y.shape[3];
            count[i] = double(bordered.cells(1, place / y.shape[2] % y.shape[1]) *
                              bordered.cells(2, place % y.shape[2]));
          }
        }
        for (int64_t i = 0; i < y.shape.size(); ++i) y[i] /= count[i];
        return y;
      }};
}

// The mean over all pixels whose area overlaps the window's, found by trying each.
OpCase adaptive_case(const Shape& shape, int64_t out_h, int64_t out_w) {
  return {"adaptive_avg_pool2d",
          shape.str() + " to " + std::to_string(out_h) + " x " + std::to_string(out_w),
          {{shape}},
          [=](auto& in) { return adaptive_avg_pool2d(in[0], out_h, out_w); },
          [=](const Arrays& in) {
            auto overlap = [](int64_t o, int64_t out, int64_t i, int64_t size) {
              return i * out < (o + 1) * size && o * size < (i + 1) * out;
            };
            Array y({shape[0], out_h, out_w, shape[3]});
            for (int64_t n = 0; n < shape[0]; ++n)
              for (int64_t oh = 0; oh < out_h; ++oh)
                for (int64_t ow = 0; ow < out_w; ++ow)
                  for (int64_t c = 0; c < shape[3]; ++c) {
                    double total = 0, count = 0;
                    for (int64_t h = 0; h < shape[1]; ++h)
                      for (int64_t w = 0; w < shape[2]; ++w)
                        if (overlap(oh, out_h, h, shape[1]) && overlap(ow, out_w, w, shape[2])) {
                          total += in[0].at(n, h, w, c);
                          ++count;
                        }
                    y.at(n, oh, ow, c) = total / count;
                  }
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
  // Ceil mode: a last window that sticks out, one that would begin in the far padding and is
  // dropped, one larger than the image, kernels beyond twice the stride.
  const Pooling rounded_up[] = {
      {{2, 6, 7, 3}, 3, 2, 0, true}, {{1, 5, 4, 2}, 2, 2, 1, true}, {{1, 2, 2, 3}, 3, 2, 0, true},
      {{1, 6, 5, 2}, 3, 3, 1, true}, {{1, 7, 8, 2}, 5, 2, 2, true}, {{1, 5, 5, 2}, 4, 3, 2, true},
      {{0, 6, 6, 2}, 3, 2, 1, true}, {{1, 1, 1, 1}, 1, 1, 0, true}, {{1, 4, 6, 33}, 2, 5, 1, true},
      {{1, 6, 6, 2}, 3, 2, 1, true}, {{1, 7, 5, 3}, 7, 2, 3, true},
  };
  std::vector<OpCase> rows;
  for (auto& p : poolings) {
    rows.push_back(max_case(p));
    rows.push_back(avg_case(p));
    if (p.shape[3] < 100)  // a row of columns there is long
      for (auto& row : unfold_cases(p)) rows.push_back(row);
  }
  for (auto& row : unfold_cases({{1, 1, 1, 260}, 1, 1, 0})) rows.push_back(row);
  for (auto& p : rounded_up) {
    rows.push_back(max_case(p));
    for (bool count_include_pad : {true, false}) {
      Pooling q = p;
      q.count_include_pad = count_include_pad;
      rows.push_back(avg_case(q));
      q.ceil_mode = false;
      if (!count_include_pad && q.out(1) && q.out(2)) rows.push_back(avg_case(q));
    }
  }
  rows.push_back(adaptive_case({2, 7, 5, 3}, 3, 2));
  rows.push_back(adaptive_case({1, 6, 4, 2}, 3, 2));
  rows.push_back(adaptive_case({1, 3, 2, 2}, 5, 4));
  rows.push_back(adaptive_case({1, 5, 3, 260}, 1, 1));
  rows.push_back(adaptive_case({1, 1, 1, 1}, 1, 1));
  rows.push_back(adaptive_case({0, 4, 4, 2}, 2, 3));
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
