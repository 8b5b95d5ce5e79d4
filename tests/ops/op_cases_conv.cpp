// Convolutions of any window, in groups.
#include "autograd/conv.h"
#include "tests/ops/op_cases.h"

namespace tweed {
namespace {

struct Convolution {
  Shape x;
  int64_t out;
  Pair kernel, stride = 1;
  Padding padding = 0;
  Pair dilation = 1;
  int64_t groups = 1;
  bool bias = true;
  Activation activation = Activation::none;

  std::string str() const {
    return x.str() + " to " + std::to_string(out) + " k" + kernel.str() + " s" + stride.str() +
           " p" + padding.str() + " d" + dilation.str() + " g" + std::to_string(groups);
  }
  Shape weight() const { return {out, kernel.h, kernel.w, x[3] / groups}; }
  ConvOptions options() const {
    return {.stride = stride,
            .padding = padding,
            .dilation = dilation,
            .groups = groups,
            .activation = activation};
  }
};

// Windows of an axis, counted: those whose last tap lies on the axis or its padding.
int64_t windows(int64_t size, int64_t before, int64_t after, int64_t kernel, int64_t stride,
                int64_t dilation) {
  int64_t count = 0;
  for (int64_t first = -before; first + (kernel - 1) * dilation < size + after; first += stride)
    ++count;
  return count;
}

// Calls visit(y, x, weight) for the numbers of all products: y is of (N, OH, OW, Co).
template <class F>
void for_each_product(const Convolution& p, int64_t OH, int64_t OW, F visit) {
  const int64_t N = p.x[0], H = p.x[1], W = p.x[2], C = p.x[3];
  const int64_t in = C / p.groups, out = p.out / p.groups;
  for (int64_t n = 0; n < N; ++n)
    for (int64_t oh = 0; oh < OH; ++oh)
      for (int64_t ow = 0; ow < OW; ++ow)
        for (int64_t o = 0; o < p.out; ++o)
          for (int64_t kh = 0; kh < p.kernel.h; ++kh)
            for (int64_t kw = 0; kw < p.kernel.w; ++kw)
              for (int64_t c = 0; c < in; ++c) {
                const int64_t h = oh * p.stride.h - p.padding.top + kh * p.dilation.h;
                const int64_t w = ow * p.stride.w - p.padding.left + kw * p.dilation.w;
                if (h < 0 || h >= H || w < 0 || w >= W) continue;
                visit(((n * OH + oh) * OW + ow) * p.out + o,
                      ((n * H + h) * W + w) * C + o / out * in + c,
                      ((o * p.kernel.h + kh) * p.kernel.w + kw) * in + c);
              }
}

Array convolve(const Convolution& p, const Arrays& in) {
  const int64_t OH =
      windows(p.x[1], p.padding.top, p.padding.bottom, p.kernel.h, p.stride.h, p.dilation.h);
  const int64_t OW =
      windows(p.x[2], p.padding.left, p.padding.right, p.kernel.w, p.stride.w, p.dilation.w);
  Array y({p.x[0], OH, OW, p.out});
  for (int64_t i = 0; i < y.shape.size(); ++i) y[i] = p.bias ? in[2][i % p.out] : 0;
  for_each_product(p, OH, OW,
                   [&](int64_t i, int64_t x, int64_t w) { y[i] += in[0][x] * in[1][w]; });
  for (double& v : y.v)
    if (p.activation == Activation::relu && v <= 0) v = 0;
  return y;
}

OpCase conv_case(const Convolution& p) {
  OpCase row = {
      "conv2d",
      p.str(),
      {{p.x}, {p.weight()}},
      [=](auto& in) { return conv2d(in[0], in[1], p.bias ? in[2] : Tensor(), p.options()); },
      [=](const Arrays& in) { return convolve(p, in); }};
  if (p.bias) row.inputs.push_back({{p.out}});
  return row;
}

// unfold and fold by a convolution's window; its channels and groups are left out.
std::vector<OpCase> unfold_cases(const Convolution& p) {
  const int64_t OH =
      windows(p.x[1], p.padding.top, p.padding.bottom, p.kernel.h, p.stride.h, p.dilation.h);
  const int64_t OW =
      windows(p.x[2], p.padding.left, p.padding.right, p.kernel.w, p.stride.w, p.dilation.w);
  Convolution single = p;  // each output channel stands for an input channel
  single.groups = single.out = p.x[3];
  const int64_t C = p.x[3], taps = p.kernel.h * p.kernel.w;
  const Shape columns = {p.x[0] * OH * OW, taps * C};
  auto for_each_copy = [=](auto visit) {
    for_each_product(single, OH, OW, [&](int64_t y, int64_t x, int64_t w) {
      visit((y / C * taps + w % taps) * C + y % C, x);
    });
  };
  OpCase unfolds = {
      "unfold",
      p.str(),
      {{p.x}},
      [=](auto& in) { return unfold(in[0], p.kernel, p.stride, p.padding, p.dilation); },
      [=](const Arrays& in) {
        Array y(columns);
        for_each_copy([&](int64_t o, int64_t i) { y[o] = in[0][i]; });
        return y;
      }};
  OpCase folds = {
      "fold",
      p.str(),
      {{columns}},
      [=](auto& in) { return fold(in[0], p.x, p.kernel, p.stride, p.padding, p.dilation); },
      [=](const Arrays& in) {
        Array y(p.x);
        for_each_copy([&](int64_t o, int64_t i) { y[i] += in[0][o]; });
        return y;
      }};
  return {unfolds, folds};
}

struct Transposed {
  Shape x;
  int64_t out;
  Pair kernel, stride = 1;
  Padding padding = 0;
  Pair output_padding = 0, dilation = 1;
  int64_t groups = 1;
  bool bias = true;

  ConvTransposeOptions options() const {
    return {.stride = stride,
            .padding = padding,
            .output_padding = output_padding,
            .dilation = dilation,
            .groups = groups};
  }
  Shape weight() const { return {x[3], kernel.h, kernel.w, out / groups}; }
  // The convolution that this turns round, from images of the result's size.
  Convolution turned() const {
    auto size = [](int64_t in, int64_t step, int64_t border, int64_t taps, int64_t more,
                   int64_t apart) {
      return (in - 1) * step - border + apart * (taps - 1) + more + 1;
    };
    const int64_t H =
        size(x[1], stride.h, padding.top + padding.bottom, kernel.h, output_padding.h, dilation.h);
    const int64_t W =
        size(x[2], stride.w, padding.left + padding.right, kernel.w, output_padding.w, dilation.w);
    return {{x[0], H, W, out}, x[3], kernel, stride, padding, dilation, groups};
  }
};

Array convolve_transposed(const Transposed& p, const Arrays& in) {
  const Convolution c = p.turned();
  Array y(c.x);
  for (int64_t i = 0; i < y.shape.size(); ++i) y[i] = p.bias ? in[2][i % p.out] : 0;
  for_each_product(c, p.x[1], p.x[2],
                   [&](int64_t x, int64_t i, int64_t w) { y[i] += in[0][x] * in[1][w]; });
  return y;
}

OpCase transposed_case(const Transposed& p) {
  OpCase row = {"conv_transpose2d",
                p.turned().str() + " turned, more " + p.output_padding.str(),
                {{p.x}, {p.weight()}},
                [=](auto& in) {
                  return conv_transpose2d(in[0], in[1], p.bias ? in[2] : Tensor(), p.options());
                },
                [=](const Arrays& in) { return convolve_transposed(p, in); }};
  if (p.bias) row.inputs.push_back({{p.out}});
  return row;
}

// Sequences are images of height 1, in the same memory.
Arrays as_images(const Arrays& in) {
  Arrays images = in;
  for (std::size_t i : {0, 1}) {
    const Shape s = in[i].shape;
    if (s.ndim() == 3) images[i].shape = {s[0], 1, s[1], s[2]};
  }
  return images;
}
Array as_sequence(Array y) {
  y.shape = {y.shape[0], y.shape[2], y.shape[3]};
  return y;
}
OpCase sequence_case(const Convolution& p, bool held_as_images) {
  const Shape weight = p.weight();
  return {"conv1d",
          p.str(),
          {{{p.x[0], p.x[2], p.x[3]}},
           {held_as_images ? weight : Shape{weight[0], weight[2], weight[3]}},
           {{p.out}}},
          [=](auto& in) {
            return conv1d(in[0], in[1], in[2],
                          {.stride = p.stride.w,
                           .padding = {p.padding.left, p.padding.right},
                           .dilation = p.dilation.w,
                           .groups = p.groups,
                           .activation = p.activation});
          },
          [=](const Arrays& in) { return as_sequence(convolve(p, as_images(in))); }};
}
OpCase transposed_sequence_case(const Transposed& p) {
  const Shape weight = p.weight();
  return {"conv_transpose1d",
          p.turned().str() + " turned",
          {{{p.x[0], p.x[2], p.x[3]}}, {{weight[0], weight[2], weight[3]}}, {{p.out}}},
          [=](auto& in) {
            return conv_transpose1d(in[0], in[1], in[2],
                                    {.stride = p.stride.w,
                                     .padding = {p.padding.left, p.padding.right},
                                     .output_padding = p.output_padding.w,
                                     .dilation = p.dilation.w,
                                     .groups = p.groups});
          },
          [=](const Arrays& in) { return as_sequence(convolve_transposed(p, as_images(in))); }};
}

}  // namespace

std::vector<OpCase> conv_cases() {
  const auto relu = Activation::relu;
  const Convolution convolutions[] = {
      // One thing at a time: rectangular kernels and strides, uneven padding, dilation, groups.
      {{2, 5, 6, 3}, 4, {1, 3}, 1, {0, 1}},
      {{1, 7, 4, 2}, 3, {5, 2}, 1, {2, 0}},
      {{1, 8, 7, 3}, 2, 3, {1, 3}, 1},
      {{2, 6, 5, 3}, 4, 3, 2, {0, 0, 1, 1}},
      {{1, 5, 5, 2}, 3, 2, 1, {1, 0, 0, 1}, 1, 1, false},
      {{1, 8, 9, 3}, 2, 3, 1, 2, 2},
      {{1, 7, 9, 2}, 3, {3, 2}, {2, 1}, {1, 2}, {1, 3}},
      {{1, 5, 6, 4}, 6, 3, 1, 1, 1, 2},
      {{2, 5, 5, 9}, 3, 3, 2, 1, 1, 3, false, relu},
      {{1, 4, 5, 6}, 6, 1, 1, 0, 1, 2},
      {{1, 6, 5, 6}, 4, 1, 2, 0, 1, 2},
      // A group for each input channel, with one output channel and with several.
      {{2, 5, 6, 5}, 5, 3, 1, 1, 1, 5},
      {{1, 7, 6, 4}, 4, 5, 2, 2, 1, 4, true, relu},
      {{1, 5, 5, 3}, 6, 3, 1, 1, 1, 3},
      {{1, 4, 5, 40}, 40, {2, 3}, {2, 1}, {1, 0, 0, 2}, {1, 2}, 40, false},
      {{1, 2, 3, 35}, 35, 3, 1, 1, 1, 35},
      {{1, 9, 8, 2}, 6, 3, {3, 2}, 1, {2, 1}, 2},
      // All at once, in groups of several channels.
      {{2, 7, 8, 4}, 6, {3, 2}, {2, 1}, {2, 1, 0, 1}, {1, 2}, 2, true, relu},
      // No images, kernels larger than the image, padding beyond the kernel, pixels that no window
      // sees, a single pixel, a row.
      {{0, 4, 4, 4}, 6, 3, 1, 1, 1, 2},
      {{0, 4, 4, 4}, 4, 3, 1, 1, 2, 4},
      {{1, 2, 3, 4}, 4, 5, 1, 2, 1, 2},
      {{1, 2, 2, 3}, 3, 3, 1, 3, 3, 3},
      {{1, 3, 4, 2}, 2, {1, 2}, 1, {3, 2, 1, 3}},
      {{1, 7, 6, 4}, 4, {1, 2}, 3, 0, 1, 4},
      {{1, 6, 7, 2}, 2, 2, {3, 4}, 0, {1, 2}, 1},
      {{1, 1, 1, 2}, 4, 3, 2, 1, 1, 2},
      {{2, 1, 9, 3}, 4, {1, 3}, {1, 2}, {0, 1}},
      {{1, 2, 3, 18}, 20, {1, 3}, 1, {0, 1}, 1, 2},
  };
  std::vector<OpCase> rows;
  for (auto& p : convolutions) {
    rows.push_back(conv_case(p));
    if (p.x[3] < 30)
      for (auto& row : unfold_cases(p)) rows.push_back(row);
  }
  // Upsampling, sizes that output_padding alone tells apart, output_padding beyond the stride,
  // pixels of y that no window has, groups, no images, a single pixel.
  const Transposed turned[] = {
      {{2, 4, 3, 3}, 4, 3, 1, 1},
      {{1, 3, 4, 4}, 3, 2, 2},
      {{1, 4, 3, 3}, 2, 3, 2, 1, 1},
      {{1, 4, 3, 3}, 2, 3, 2, 1, {0, 1}},
      {{2, 3, 2, 3}, 2, {4, 3}, {3, 2}, {1, 0, 0, 2}, {2, 1}, 1, 1, false},
      {{1, 3, 4, 2}, 3, {3, 2}, 1, {2, 1}, {2, 1}, {3, 2}},
      {{1, 3, 3, 2}, 3, 2, 3, 0, 1},
      {{1, 3, 4, 4}, 6, 3, 2, 1, 0, 1, 2},
      {{1, 3, 3, 5}, 5, 4, 2, 1, 0, 1, 5},
      {{1, 3, 3, 3}, 6, 3, 2, 1, 1, 1, 3, false},
      {{1, 2, 2, 9}, 18, 2, 2},
      {{0, 3, 4, 2}, 3, 3, 2, 1, 1},
      {{1, 1, 1, 3}, 2, 1},
  };
  for (auto& p : turned) rows.push_back(transposed_case(p));
  const Convolution sequences[] = {{{2, 1, 9, 3}, 4, {1, 3}, 1, {0, 1}},
                                   {{1, 1, 10, 4}, 6, {1, 4}, {1, 3}, {0, 1, 0, 2}, 1, 2},
                                   {{2, 1, 9, 5}, 5, {1, 3}, 1, {0, 2}, {1, 2}, 5, true, relu},
                                   {{0, 1, 5, 2}, 3, {1, 2}}};
  for (auto& p : sequences)
    for (bool held_as_images : {false, true}) rows.push_back(sequence_case(p, held_as_images));
  rows.push_back(transposed_sequence_case({{2, 1, 5, 3}, 4, {1, 3}, {1, 2}, {0, 1}, {0, 1}}));
  rows.push_back(
      transposed_sequence_case({{1, 1, 6, 4}, 6, {1, 3}, 1, {0, 2, 0, 0}, 0, {1, 2}, 2}));
  return rows;
}

}  // namespace tweed
