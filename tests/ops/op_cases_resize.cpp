// Images at another size by every filter, and borders of what is inside: as sums over all pixels,
// each weighed by a matrix for rows and one for columns.
#include <algorithm>
#include <cmath>

#include "autograd/image_ops.h"
#include "tests/ops/op_cases.h"

namespace tweed {
namespace {

using Weights = std::vector<std::vector<double>>;  // of each pixel in each place

// y[n, o, p, c] = sum over h, w of rows[o][h] columns[p][w] x[n, h, w, c]
Array weighed(const Array& x, const Weights& rows, const Weights& columns) {
  const Shape& s = x.shape;
  Array y({s[0], int64_t(rows.size()), int64_t(columns.size()), s[3]});
  for (int64_t n = 0; n < s[0]; ++n)
    for (std::size_t o = 0; o < rows.size(); ++o)
      for (std::size_t p = 0; p < columns.size(); ++p)
        for (int64_t h = 0; h < s[1]; ++h)
          for (int64_t w = 0; w < s[2]; ++w)
            for (int64_t c = 0; c < s[3]; ++c)
              y.at(n, int64_t(o), int64_t(p), c) +=
                  rows[o][std::size_t(h)] * columns[p][std::size_t(w)] * x.at(n, h, w, c);
  return y;
}

// A matrix of zeros for f(o, its row) to fill.
template <class F>
Weights weights_of(int64_t size, int64_t out, F f) {
  Weights all;
  for (int64_t o = 0; o < out; ++o) {
    all.emplace_back(std::size_t(size));
    f(o, all.back());
  }
  return all;
}

double tent(double x) { return std::max(0.0, 1 - std::abs(x)); }
// Keys' cubic, as in his paper: two polynomials.
double keys(double x, double a) {
  const double s = std::abs(x);
  if (s < 1) return (a + 2) * std::pow(s, 3) - (a + 3) * s * s + 1;
  return s < 2 ? a * std::pow(s, 3) - 5 * a * s * s + 8 * a * s - 4 * a : 0;
}

enum class Kind { nearest, exact, bilinear, bicubic };

Weights nearest_weights(int64_t size, int64_t out, bool exact) {
  return weights_of(size, out, [&](int64_t o, std::vector<double>& w) {
    w[std::size_t(exact ? (2 * o + 1) * size / (2 * out) : o * size / out)] = 1;
  });
}
// Between pixels; those beyond the edges are the outermost.
Weights sharp_weights(Kind kind, int64_t size, int64_t out, double scale, bool align_corners) {
  return weights_of(size, out, [&](int64_t o, std::vector<double>& w) {
    double at = align_corners ? double(o) * scale : (double(o) + 0.5) * scale - 0.5;
    if (kind == Kind::bilinear) at = std::clamp(at, 0.0, double(size - 1));
    for (int64_t i = -3; i < size + 3; ++i)
      w[std::size_t(std::clamp<int64_t>(i, 0, size - 1))] +=
          kind == Kind::bilinear ? tent(at - double(i)) : keys(at - double(i), -0.75);
  });
}
// Of all pixels below a filter that is as wide as a pixel of the result, or of the image.
Weights smooth_weights(Kind kind, int64_t size, int64_t out, double scale) {
  return weights_of(size, out, [&](int64_t o, std::vector<double>& w) {
    double total = 0;
    for (int64_t i = 0; i < size; ++i) {
      const double distance = (double(i) + 0.5 - (double(o) + 0.5) * scale) / std::max(scale, 1.0);
      total += w[std::size_t(i)] = kind == Kind::bilinear ? tent(distance) : keys(distance, -0.5);
    }
    for (double& v : w) v /= total;
  });
}

Weights weights(Kind kind, int64_t size, int64_t out, double factor, const ResizeOptions& o) {
  if (kind == Kind::nearest || kind == Kind::exact)
    return nearest_weights(size, out, kind == Kind::exact);
  double scale = factor > 0 ? 1 / factor : double(size) / double(out);
  if (o.align_corners) scale = out > 1 ? double(size - 1) / double(out - 1) : 0;
  return o.antialias ? smooth_weights(kind, size, out, scale)
                     : sharp_weights(kind, size, out, scale, o.align_corners);
}

OpCase resize_case(Kind kind, const Shape& x, int64_t height, int64_t width,
                   const ResizeOptions& o = {}) {
  const char* names[] = {"resize_nearest", "resize_nearest", "resize_bilinear", "resize_bicubic"};
  return {names[int(kind)],
          x.str() + " to " + std::to_string(height) + " x " + std::to_string(width) +
              (kind == Kind::exact ? " exact" : "") + (o.align_corners ? " corners" : "") +
              (o.antialias ? " antialias" : "") + (o.factor.h > 0 ? " by a factor" : ""),
          {{x}},
          [=](auto& in) {
            if (kind == Kind::bilinear) return resize_bilinear(in[0], height, width, o);
            if (kind == Kind::bicubic) return resize_bicubic(in[0], height, width, o);
            return resize_nearest(in[0], height, width, {kind == Kind::exact, o.factor});
          },
          [=](const Arrays& in) {
            return weighed(in[0], weights(kind, x[1], height, o.factor.h, o),
                           weights(kind, x[2], width, o.factor.w, o));
          }};
}

// What a border shows, by walking there from the edge, step by step.
int64_t walk(int64_t o, int64_t before, int64_t size, PadMode mode) {
  int64_t at = 0, step = 1;
  const int64_t steps = o >= before ? o - before : before - o;
  if (o < before) step = -1;
  for (int64_t i = 0; i < steps; ++i) {
    const bool leaves = at + step < 0 || at + step >= size;
    if (leaves && mode == PadMode::replicate) continue;
    if (leaves && mode == PadMode::reflect) step = -step;
    at = leaves && mode == PadMode::circular ? (step < 0 ? size - 1 : 0) : at + step;
  }
  return at;
}

OpCase pad_case(PadMode mode, const Shape& x, const PadAmounts& amounts) {
  std::string text = std::to_string(int(mode)) + " of " + x.str();
  Shape to;
  for (std::size_t k = 0; k < amounts.size(); ++k) {
    to.append(amounts[k].first + x[int(k)] + amounts[k].second);
    text += " " + std::to_string(amounts[k].first) + "+" + std::to_string(amounts[k].second);
  }
  return {"pad",
          text,
          {{x}},
          [=](auto& in) { return pad(in[0], amounts, mode); },
          [=](const Arrays& in) {
            Array y(to);
            for (int64_t i = 0; i < to.size(); ++i) {
              int64_t from = 0;
              for (int k = 0; k < to.ndim(); ++k) {
                const int64_t o = i / to.product(k + 1, to.ndim()) % to[k];
                from = from * x[k] + walk(o, amounts[std::size_t(k)].first, x[k], mode);
              }
              y[i] = in[0][from];
            }
            return y;
          }};
}

std::vector<OpCase> pad_cases() {
  const auto reflect = PadMode::reflect, replicate = PadMode::replicate,
             circular = PadMode::circular;
  return {
      pad_case(reflect, {2, 4, 3, 3}, {{0, 0}, {1, 3}, {2, 0}, {0, 0}}),
      pad_case(reflect, {3, 5}, {{2, 1}, {4, 4}}),  // both borders show the same
      pad_case(reflect, {1, 2, 6}, {{0, 0}, {1, 1}, {0, 5}}),
      pad_case(reflect, {1}, {{0, 0}}),
      pad_case(replicate, {2, 4, 3, 3}, {{0, 0}, {1, 3}, {2, 0}, {0, 0}}),
      pad_case(replicate, {3, 2}, {{5, 0}, {1, 7}}),
      pad_case(replicate, {1, 1, 40}, {{1, 1}, {2, 3}, {0, 1}}),
      pad_case(circular, {2, 4, 3, 3}, {{0, 0}, {1, 4}, {3, 0}, {0, 0}}),
      pad_case(circular, {3, 2}, {{3, 3}, {1, 2}}),
      pad_case(circular, {0, 2}, {{0, 0}, {1, 1}}),
  };
}

}  // namespace

std::vector<OpCase> resize_cases() {
  std::vector<OpCase> rows;
  struct {
    Shape x;
    int64_t height, width;
  } sizes[] = {{{2, 3, 4, 3}, 7, 9},  {{1, 9, 8, 2}, 4, 3},  {{1, 5, 4, 2}, 3, 8},
               {{1, 4, 4, 3}, 4, 4},  {{1, 1, 1, 1}, 1, 1},  {{1, 1, 3, 2}, 4, 2},
               {{1, 6, 5, 2}, 1, 1},  {{1, 2, 3, 87}, 3, 4}, {{0, 3, 4, 3}, 5, 2},
               {{1, 17, 2, 1}, 3, 11}};
  for (auto& [x, height, width] : sizes) {
    for (Kind kind : {Kind::nearest, Kind::exact, Kind::bicubic})
      rows.push_back(resize_case(kind, x, height, width));
    for (Kind kind : {Kind::bilinear, Kind::bicubic}) {
      rows.push_back(resize_case(kind, x, height, width, {.align_corners = true}));
      rows.push_back(resize_case(kind, x, height, width, {.antialias = true}));
    }
  }
  const ResizeFactor factor = {1.7, 0.6};
  for (Kind kind : {Kind::bilinear, Kind::bicubic})
    for (bool antialias : {false, true})
      rows.push_back(
          resize_case(kind, {1, 5, 6, 2}, 8, 3, {.antialias = antialias, .factor = factor}));
  for (auto& row : pad_cases()) rows.push_back(row);
  return rows;
}

}  // namespace tweed
