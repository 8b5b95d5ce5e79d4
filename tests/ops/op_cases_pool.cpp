// Pools whose windows are no squares: two kernels, strides and dilations, four sides of padding;
// adaptive and global maxima; sequences.
#include <cmath>

#include "autograd/pool.h"
#include "tests/ops/op_cases.h"

namespace tweed {
namespace {

// How windows lie on one axis, found by trying every place.
struct Along {
  int64_t size, kernel, stride, before, after, dilation = 1;

  // Windows that end inside the padding; with `up` (ceil mode) also one that ends beyond, if it
  // begins before the padding at the end.
  int64_t out(bool up) const {
    const int64_t span = (kernel - 1) * dilation + 1;
    int64_t count = 0;
    for (int64_t first = -before; first < size; first += stride) {
      const bool ends_inside = first + span <= size + after;
      const bool ended_before = first == -before || first - stride + span < size + after;
      count += ends_inside || (up && ended_before);
    }
    return count;
  }
  int64_t pixel(int64_t o, int64_t tap) const { return o * stride - before + tap * dilation; }
};

struct Pooling {
  Shape shape;
  Pair kernel, stride;
  Padding padding;
  Pair dilation = 1;
  bool ceil_mode = false, count_include_pad = true;
  Activation activation = Activation::none;

  Along down() const {
    return {shape[1], kernel.h, stride.h, padding.top, padding.bottom, dilation.h};
  }
  Along right() const {
    return {shape[2], kernel.w, stride.w, padding.left, padding.right, dilation.w};
  }
  Shape result() const {
    return {shape[0], down().out(ceil_mode), right().out(ceil_mode), shape[3]};
  }
  std::string str() const {
    return shape.str() + " k " + kernel.str() + " s " + stride.str() + " p " + padding.str() +
           " d " + dilation.str() + (ceil_mode ? " ceil" : "") +
           (count_include_pad ? "" : " inside") + (activation == Activation::relu ? " relu" : "");
  }
};

// For each place of the result, the pixels (row, column) under its taps; some lie outside.
template <class F>
void for_each_tap(const Pooling& p, F visit) {
  const Shape to = p.result();
  for (int64_t n = 0; n < to[0]; ++n)
    for (int64_t oh = 0; oh < to[1]; ++oh)
      for (int64_t ow = 0; ow < to[2]; ++ow)
        for (int64_t kh = 0; kh < p.kernel.h; ++kh)
          for (int64_t kw = 0; kw < p.kernel.w; ++kw)
            visit(n, oh, ow, p.down().pixel(oh, kh), p.right().pixel(ow, kw));
}
bool inside(const Shape& s, int64_t h, int64_t w) {
  return h >= 0 && h < s[1] && w >= 0 && w < s[2];
}

Array largest_of(const Pooling& p, const Array& x) {
  Array y(p.result());
  for (double& v : y.v) v = p.activation == Activation::relu ? 0 : -INFINITY;
  for_each_tap(p, [&](int64_t n, int64_t oh, int64_t ow, int64_t h, int64_t w) {
    for (int64_t c = 0; inside(p.shape, h, w) && c < p.shape[3]; ++c)
      y.at(n, oh, ow, c) = std::max(y.at(n, oh, ow, c), x.at(n, h, w, c));
  });
  return y;
}

Array mean_of(const Pooling& p, const Array& x) {
  Array y(p.result()), count(p.result());
  for_each_tap(p, [&](int64_t n, int64_t oh, int64_t ow, int64_t h, int64_t w) {
    const bool in_padding = h < p.shape[1] + p.padding.bottom && w < p.shape[2] + p.padding.right;
    const bool counts = p.count_include_pad ? in_padding : inside(p.shape, h, w);
    for (int64_t c = 0; c < p.shape[3]; ++c) {
      count.at(n, oh, ow, c) += counts;
      if (inside(p.shape, h, w)) y.at(n, oh, ow, c) += x.at(n, h, w, c);
    }
  });
  for (int64_t i = 0; i < y.shape.size(); ++i) y[i] /= count[i];
  return y;
}

OpCase max_case(const Pooling& p) {
  return {"max_pool2d",
          p.str(),
          {{p.shape, -1, 1, true}},
          [=](auto& in) {
            return max_pool2d(in[0], p.kernel,
                              {p.stride, p.padding, p.ceil_mode, p.dilation, p.activation});
          },
          [=](const Arrays& in) { return largest_of(p, in[0]); }};
}
OpCase avg_case(const Pooling& p) {
  return {
      "avg_pool2d",
      p.str(),
      {{p.shape}},
      [=](auto& in) {
        return avg_pool2d(in[0], p.kernel, {p.stride, p.padding, p.ceil_mode, p.count_include_pad});
      },
      [=](const Arrays& in) { return mean_of(p, in[0]); }};
}

// The largest of all pixels whose area overlaps the window's.
Array adaptive_max_of(const Array& x, int64_t out_h, int64_t out_w) {
  auto overlap = [](int64_t o, int64_t out, int64_t i, int64_t size) {
    return i * out < (o + 1) * size && o * size < (i + 1) * out;
  };
  const Shape& s = x.shape;
  Array y({s[0], out_h, out_w, s[3]});
  for (double& v : y.v) v = -INFINITY;
  for (int64_t i = 0; i < s.size(); ++i) {
    const int64_t c = i % s[3], w = i / s[3] % s[2], h = i / s[3] / s[2] % s[1],
                  n = i / s[3] / s[2] / s[1];
    for (int64_t oh = 0; oh < out_h; ++oh)
      for (int64_t ow = 0; ow < out_w; ++ow)
        if (overlap(oh, out_h, h, s[1]) && overlap(ow, out_w, w, s[2]))
          y.at(n, oh, ow, c) = std::max(y.at(n, oh, ow, c), x[i]);
  }
  return y;
}
OpCase adaptive_case(const Shape& shape, int64_t out_h, int64_t out_w) {
  return {"adaptive_max_pool2d",
          shape.str() + " to " + std::to_string(out_h) + " x " + std::to_string(out_w),
          {{shape, -1, 1, true}},
          [=](auto& in) { return adaptive_max_pool2d(in[0], out_h, out_w); },
          [=](const Arrays& in) { return adaptive_max_of(in[0], out_h, out_w); }};
}

// A row of (N, L, C), by the reference of images of height 1.
OpCase sequence_case(const char* op, const Shape& shape, bool distinct,
                     std::function<Tensor(const Tensor&)> f,
                     std::function<Array(const Array&)> of_images) {
  return {op,
          "sequences " + shape.str(),
          {{shape, -1, 1, distinct}},
          [=](auto& in) { return f(in[0]); },
          [=](const Arrays& in) {
            Array images({shape[0], 1, shape[1], shape[2]});
            images.v = in[0].v;
            const Array of = of_images(images);
            Array y({of.shape[0], of.shape[2], of.shape[3]});
            y.v = of.v;
            return y;
          }};
}

std::vector<OpCase> sequence_cases() {
  const Shape shape = {2, 9, 3}, images = {2, 1, 9, 3};
  const Pooling wide = {images, {1, 3}, {1, 2}, {0, 1}, {1, 2}, true};
  const Pooling mean = {images, {1, 4}, {1, 4}, {0, 2}, 1, false, false};
  return {
      sequence_case(
          "max_pool2d", shape, true,
          [](const Tensor& x) {
            return max_pool1d(x, 3, {2, 1, true, 2});
          },
          [=](const Array& x) { return largest_of(wide, x); }),
      sequence_case(
          "avg_pool2d", shape, false,
          [](const Tensor& x) {
            return avg_pool1d(x, 4, {.padding = 2, .count_include_pad = false});
          },
          [=](const Array& x) { return mean_of(mean, x); }),
      sequence_case(
          "adaptive_avg_pool2d", {2, 6, 3}, false,
          [](const Tensor& x) { return adaptive_avg_pool1d(x, 3); },
          [](const Array& x) {
            return mean_of({{2, 1, 6, 3}, {1, 2}, {1, 2}, 0}, x);
          }),
  };
}

}  // namespace

std::vector<OpCase> pool_cases() {
  const Pooling poolings[] = {
      {{2, 5, 7, 3}, {2, 3}, {1, 2}, 0},
      {{1, 6, 5, 2}, {3, 1}, {2, 1}, {1, 0}},
      {{1, 7, 6, 2}, {3, 2}, {3, 1}, {1, 0, 0, 1}},
      {{2, 5, 5, 2}, {3, 3}, {2, 2}, {0, 0, 1, 1}},  // a square with the padding behind it
      {{1, 4, 9, 33}, {1, 7}, {1, 3}, {0, 3}},
      {{1, 18, 20, 2}, {16, 17}, {2, 3}, {2, 0}},  // more taps than a byte numbers
      {{1, 3, 4, 260}, {2, 3}, {1, 1}, {0, 1, 1, 1}},
      {{0, 4, 5, 2}, {2, 3}, {2, 3}, 0},
      {{1, 6, 7, 2}, {2, 3}, {3, 2}, {1, 1}, 1, true},
      {{1, 5, 8, 3}, {4, 2}, {3, 3}, {2, 1, 0, 0}, 1, true},
      {{2, 3, 3, 2}, {3, 2}, {2, 2}, {0, 0, 2, 1}, 1, true},
  };
  const Pooling dilated[] = {
      {{2, 7, 8, 3}, {3, 3}, {1, 1}, 0, {2, 2}},
      {{1, 9, 6, 2}, {2, 3}, {2, 1}, {1, 2}, {3, 2}},
      {{1, 8, 8, 2}, {3, 2}, {2, 3}, {2, 0, 1, 1}, {2, 4}, true},
      {{1, 5, 5, 260}, {2, 2}, {2, 2}, 1, {3, 1}},
      {{0, 5, 5, 2}, {2, 2}, {1, 1}, 0, {2, 2}},
  };
  std::vector<OpCase> rows;
  for (auto& p : poolings) {
    rows.push_back(max_case(p));
    for (bool count_include_pad : {true, false}) {
      Pooling q = p;
      q.count_include_pad = count_include_pad;
      rows.push_back(avg_case(q));
    }
  }
  for (auto& p : dilated) rows.push_back(max_case(p));
  for (Pooling p : {poolings[0], poolings[5], dilated[1], Pooling{{2, 7, 6, 40}, 2, 2, 0},
                    Pooling{{2, 9, 8, 40}, 3, 2, 1}}) {
    p.activation = Activation::relu;
    rows.push_back(max_case(p));
  }
  rows.push_back(adaptive_case({2, 7, 5, 3}, 3, 2));
  rows.push_back(adaptive_case({1, 6, 4, 2}, 3, 2));
  rows.push_back(adaptive_case({1, 3, 2, 2}, 5, 4));
  rows.push_back(adaptive_case({1, 5, 3, 260}, 1, 1));
  rows.push_back(adaptive_case({1, 17, 18, 1}, 1, 1));  // more taps than a byte numbers
  rows.push_back(adaptive_case({0, 4, 4, 2}, 2, 3));
  for (auto& row : sequence_cases()) rows.push_back(row);
  rows.push_back({"adaptive_max_pool2d",
                  "global_max_pool",
                  {{{2, 3, 4, 5}, -1, 1, true}},
                  [](auto& in) { return global_max_pool(in[0]); },
                  [](const Arrays& in) {
                    Array y({2, 5});
                    y.v = adaptive_max_of(in[0], 1, 1).v;
                    return y;
                  }});
  return rows;
}

}  // namespace tweed
