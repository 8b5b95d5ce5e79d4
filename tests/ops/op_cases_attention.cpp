// Attention against the softmax over all pairs of tokens that may see each other.
#include <cmath>

#include "autograd/attention.h"
#include "tests/ops/op_cases.h"

namespace tweed {
namespace {

// The attention of one query: q . k(j) / sqrt(D) for each key that `sees`, softmax, sum of v(j).
std::vector<double> attend(int64_t keys, int64_t D, std::function<bool(int64_t)> sees,
                           std::function<double(int64_t d)> q,
                           std::function<double(int64_t j, int64_t d)> k,
                           std::function<double(int64_t j, int64_t d)> v) {
  std::vector<double> weights, y(static_cast<std::size_t>(D));
  double total = 0;
  for (int64_t j = 0; j < keys; ++j) {
    double score = 0;
    for (int64_t d = 0; d < D; ++d) score += q(d) * k(j, d) / std::sqrt(double(D));
    weights.push_back(sees(j) ? std::exp(score) : 0);
    total += weights.back();
  }
  for (int64_t j = 0; j < keys; ++j)
    for (int64_t d = 0; d < D; ++d) y[std::size_t(d)] += weights[std::size_t(j)] / total * v(j, d);
  return y;
}

// Of (N, H, W, 3 C); tokens see those of their window.
Array window_attention_of(const Array& qkv, int64_t heads, int64_t window, const Shape& result) {
  Array y(result);
  const int64_t N = qkv.shape[0], packed = qkv.shape[-1], C = packed / 3, D = C / heads;
  const int64_t W = qkv.shape[-2], tokens = qkv.shape.product(1, qkv.shape.ndim() - 1);
  auto same_window = [&](int64_t a, int64_t b) {
    return a / W / window == b / W / window && a % W / window == b % W / window;
  };
  for (int64_t n = 0; n < N; ++n)
    for (int64_t h = 0; h < heads; ++h)
      for (int64_t i = 0; i < tokens; ++i) {
        auto part = [&](int64_t which, int64_t token, int64_t d) {
          return qkv[(n * tokens + token) * packed + which * C + h * D + d];
        };
        const auto of_token = attend(
            tokens, D, [&](int64_t j) { return same_window(i, j); },
            [&](int64_t d) { return part(0, i, d); },
            [&](int64_t j, int64_t d) { return part(1, j, d); },
            [&](int64_t j, int64_t d) { return part(2, j, d); });
        for (int64_t d = 0; d < D; ++d)
          y[(n * tokens + i) * C + h * D + d] = of_token[std::size_t(d)];
      }
  return y;
}

Array separate_attention_of(const Arrays& in, bool causal) {
  const Array &q = in[0], &k = in[1], &v = in[2];
  Array y(q.shape);
  const int64_t L = q.shape[2], S = k.shape[2], D = q.shape[3];
  for (int64_t row = 0; row < q.shape.size() / std::max<int64_t>(D, 1); ++row) {
    const int64_t head = row / L, i = row % L;
    const auto of_row = attend(
        S, D, [&](int64_t j) { return !causal || j <= i; },
        [&](int64_t d) { return q[row * D + d]; },
        [&](int64_t j, int64_t d) { return k[(head * S + j) * D + d]; },
        [&](int64_t j, int64_t d) { return v[(head * S + j) * D + d]; });
    for (int64_t d = 0; d < D; ++d) y[row * D + d] = of_row[std::size_t(d)];
  }
  return y;
}

// A mask and what else attention with it is told.
struct Masked {
  Shape q;
  int64_t keys, key_heads;
  Shape mask;     ///< (L, S), or more axes in front
  double hidden;  ///< the part of the pairs that is hidden
  bool causal = false;
  double scale = 0;
};

// Whether element i of a mask hides its pair; of each row of keys the first one stays.
bool hides(const Masked& m, int64_t i) {
  return i % m.mask[-1] && double(i * 7919 % 101) < 101 * m.hidden;
}
Tensor bytes_of(const Masked& m, Device device) {
  std::vector<uint8_t> bytes;
  for (int64_t i = 0; i < m.mask.size(); ++i) bytes.push_back(!hides(m, i));
  return Tensor::from(bytes, m.mask, device);
}

// The sum over the keys that remain, in[3] being added to the scores if there is one.
Array masked_attention_of(const Masked& m, const Arrays& in) {
  const Array &q = in[0], &k = in[1], &v = in[2];
  Array y(q.shape);
  const int64_t N = q.shape[0], heads = q.shape[1], L = q.shape[2], D = q.shape[3], S = m.keys;
  const Shape pairs = {N, heads, L, S};
  for (int64_t n = 0; n < N; ++n)
    for (int64_t h = 0; h < heads; ++h)
      for (int64_t i = 0; i < L; ++i) {
        const int64_t of_keys = (n * m.key_heads + h * m.key_heads / heads) * S;
        const int64_t row = (n * heads + h) * L + i;
        std::vector<double> weight(static_cast<std::size_t>(S));
        double total = 0;
        for (int64_t j = 0; j < S; ++j) {
          const int64_t at = broadcast_index(m.mask, pairs, row * S + j);
          if ((m.causal && j > i) || (in.size() < 4 && hides(m, at))) continue;
          double score = in.size() < 4 ? 0 : in[3][at];
          for (int64_t d = 0; d < D; ++d)
            score += q[row * D + d] * k[(of_keys + j) * D + d] *
                     (m.scale != 0 ? m.scale : 1 / std::sqrt(double(D)));
          total += weight[std::size_t(j)] = std::exp(score);
        }
        for (int64_t j = 0; j < S; ++j)
          for (int64_t d = 0; d < D; ++d)
            y[row * D + d] += weight[std::size_t(j)] / total * v[(of_keys + j) * D + d];
      }
  return y;
}

// By a mask of bytes, or of numbers, whose gradient is checked, too.
OpCase masked_case(const Masked& m, bool numbers) {
  const Shape k = {m.q[0], m.key_heads, m.keys, m.q[3]};
  std::vector<CaseInput> inputs = {{m.q}, {k}, {k}};
  if (numbers) inputs.push_back({m.mask});
  return {
      "scaled_dot_product_attention",
      m.q.str() + " with " + std::to_string(m.keys) + " keys of " + std::to_string(m.key_heads) +
          " heads, mask " + m.mask.str() + (numbers ? " added" : "") + (m.causal ? " causal" : ""),
      inputs,
      [=](auto& in) {
        return scaled_dot_product_attention(in[0], in[1], in[2],
                                            {.causal = m.causal,
                                             .mask = numbers ? in[3] : bytes_of(m, in[0].device()),
                                             .scale = m.scale});
      },
      [=](const Arrays& in) { return masked_attention_of(m, in); },
      {},
      2.0};
}

Shape with_channels(Shape shape, int64_t C) {
  shape.set(shape.ndim() - 1, C);
  return shape;
}

OpCase packed_case(const Shape& shape, int64_t heads) {
  return {"attention",
          shape.str() + " heads " + std::to_string(heads),
          {{shape, -2, 2}},
          [=](auto& in) { return attention(in[0], heads); },
          [=](const Arrays& in) {
            const int64_t everything = std::max<int64_t>(shape[1], 1);
            return window_attention_of(in[0], heads, everything,
                                       with_channels(shape, shape[-1] / 3));
          }};
}

OpCase window_case(const Shape& shape, int64_t heads, int64_t window) {
  return {"window_attention",
          shape.str() + " heads " + std::to_string(heads) + " window " + std::to_string(window),
          {{shape, -2, 2}},
          [=](auto& in) { return window_attention(in[0], heads, window); },
          [=](const Arrays& in) {
            return window_attention_of(in[0], heads, window, with_channels(shape, shape[-1] / 3));
          }};
}

OpCase separate_case(const Shape& q, int64_t keys, bool causal, double reach = 1) {
  Shape k = q;
  k.set(2, keys);
  return {"scaled_dot_product_attention",
          q.str() + " with " + std::to_string(keys) + " keys" + (causal ? " causal" : ""),
          {{q, -reach, reach}, {k, -reach, reach}, {k}},
          [=](auto& in) { return scaled_dot_product_attention(in[0], in[1], in[2], causal); },
          [=](const Arrays& in) { return separate_attention_of(in, causal); },
          {},
          reach > 1 ? 20.0 : 2.0};  // a large score's rounding grows through exp
}

}  // namespace

std::vector<OpCase> attention_cases() {
  std::vector<OpCase> rows;
  rows.push_back(packed_case({2, 5, 18}, 2));
  rows.push_back(packed_case({1, 1, 3}, 1));
  rows.push_back(packed_case({0, 4, 6}, 1));
  rows.push_back(packed_case({2, 0, 6}, 1));
  rows.push_back(packed_case({1, 70, 6}, 1));  // several tiles and blocks of rows
  rows.push_back(window_case({2, 4, 6, 12}, 2, 2));
  rows.push_back(window_case({1, 5, 7, 9}, 1, 3));  // smaller windows at the border
  rows.push_back(window_case({1, 2, 3, 6}, 2, 8));  // one window
  rows.push_back(window_case({0, 2, 2, 3}, 1, 2));
  rows.push_back(window_case({1, 10, 9, 3}, 1, 9));
  for (bool causal : {false, true}) {
    rows.push_back(separate_case({2, 3, 4, 5}, 7, causal));
    rows.push_back(separate_case({1, 1, 1, 1}, 1, causal));
    rows.push_back(separate_case({1, 2, 6, 4}, 3, causal));
    rows.push_back(separate_case({1, 1, 67, 2}, 35, causal));
    rows.push_back(separate_case({0, 2, 3, 4}, 3, causal));
    rows.push_back(separate_case({2, 1, 3, 4}, 5, causal, 6));
    // Blocks of keys that no query sees, and queries far beyond the last key.
    rows.push_back(separate_case({1, 1, 3, 2}, 65, causal));
    rows.push_back(separate_case({1, 2, 1, 1}, 70, causal));
    rows.push_back(separate_case({1, 1, 70, 2}, 1, causal));
  }
  const Masked masks[] = {
      {{2, 3, 4, 5}, 7, 3, {4, 7}, 0.4},
      {{2, 3, 4, 5}, 7, 3, {2, 1, 4, 7}, 0.4},
      {{2, 4, 5, 3}, 6, 2, {2, 4, 5, 6}, 0.3, true},
      {{2, 4, 3, 4}, 5, 1, {2, 1, 1, 5}, 0.5, false, 0.3},
      {{1, 6, 3, 2}, 4, 3, {6, 1, 4}, 0.5, true, -2},
      {{1, 1, 67, 1}, 37, 1, {1, 1, 67, 37}, 0.6, true},  // several tiles
      {{1, 2, 3, 1}, 70, 1, {1, 70}, 0.9},
      {{1, 2, 3, 4}, 3, 1, {1, 1}, 0},
      {{0, 2, 3, 4}, 3, 2, {3, 3}, 0.5},
  };
  for (auto& m : masks) {
    rows.push_back(masked_case(m, false));
    // Differences by each number of a large mask would take minutes in the simulator.
    if (m.mask.size() < 1000) rows.push_back(masked_case(m, true));
  }
  rows.push_back(masked_case({{1, 2, 35, 1}, 37, 1, {37}, 0, true}, true));
  return rows;
}

}  // namespace tweed
