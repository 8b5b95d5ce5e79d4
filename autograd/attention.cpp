#include "autograd/attention.h"

#include <cmath>

#include "autograd/describe.h"
#include "autograd/dispatch.h"
#include "kernels/attention/attention.h"
#include "kernels/machine/trace_notes.h"

namespace tweed {
namespace {

// Tokens in a line.
TokenGrid line_of(int64_t tokens) { return {1, tokens, 1, tokens}; }

// Queries, keys and values in one tensor (N, tokens, 3, heads, D).
AttentionShape packed_shape(const char* op, const Tensor& qkv, int64_t heads,
                            const TokenGrid& tokens) {
  const int64_t packed = qkv.dim(-1);
  if (heads < 1 || packed < 1 || packed % (3 * heads))
    fail(op, "qkv is ", qkv.shape(), ", which ", heads, " heads do not divide");
  const int64_t C = packed / 3, D = C / heads;
  const HeadStrides from = {tokens.tokens() * packed, packed, D};
  return {.N = qkv.dim(0),
          .heads = heads,
          .D = D,
          .queries = tokens,
          .keys = tokens,
          .q = from,
          .k = from,
          .v = from,
          .y = {tokens.tokens() * C, C, D},
          .scale = 1 / std::sqrt(double(D))};
}

void check_channels(const char* op, int64_t D) {
  if (D > attention_most_channels)
    fail(op, "heads have ", D, " channels; there may be ", attention_most_channels);
}

// The three parts of a packed span; each goes on to its end.
template <class T>
Span<T> part(const Span<T>& qkv, int64_t which, const AttentionShape& a) {
  const int64_t skipped = which * a.heads * a.D;
  return {qkv.data() + skipped, qkv.size() - skipped};
}

Tensor packed_attention(const char* op, const Tensor& qkv, const AttentionShape& a, Shape result) {
  check_channels(op, a.D);
  result.set(result.ndim() - 1, a.heads * a.D);
  Tensor y = Tensor::empty(result, qkv.dtype(), qkv.device());
  Tensor log_sum = Tensor::empty({a.rows()}, accumulator_dtype(qkv), qkv.device());
  dispatch(op, qkv, [&]<class T>(auto& here) {
    const trace::Way way(nullptr, a.flops());
    const Span<const T> x = qkv.read<T>();
    if (y.size())
      attention_forward(here, a, part(x, 0, a), part(x, 1, a), part(x, 2, a), y.write<T>(),
                        log_sum.write<acc_t<T>>());
  });
  if (is_watched())
    describe(op, {{"heads", {double(a.heads)}},
                  {"window", {double(a.queries.window_h), double(a.queries.window_w)}}});
  return record(op, {qkv}, y, save(qkv, y, log_sum), [=](const Saved& s, const Tensor& dy, Want) {
    Tensor dqkv = Tensor::empty_like(s[0]), dot = Tensor::empty_like(s[2]);
    dispatch(op, dy, [&]<class T>(auto& here) {
      const trace::Way way(nullptr, a.backward_flops());
      using A = acc_t<T>;
      const Span<const T> x = s[0].read<T>();
      const Span<T> dx = dqkv.write<T>();
      if (dy.size())
        attention_backward(here, a, part(x, 0, a), part(x, 1, a), part(x, 2, a), s[1].read<T>(),
                           s[2].read<A>(), dy.read<T>(), part(dx, 0, a), part(dx, 1, a),
                           part(dx, 2, a), dot.write<A>());
    });
    return Grads{dqkv};
  });
}

AttentionShape separate_shape(const char* op, const Tensor& q, const Tensor& k, const Tensor& v,
                              bool causal) {
  check_alike(op, {q, k, v});
  Shape wanted = q.shape();
  if (q.ndim() == 4 && k.ndim() == 4) wanted.set(2, k.dim(2));
  if (q.ndim() != 4 || k.shape() != wanted || v.shape() != wanted)
    fail(op, "q is ", q.shape(), ", k ", k.shape(), ", v ", v.shape());
  const int64_t heads = q.dim(1), L = q.dim(2), S = k.dim(2), D = q.dim(3);
  if (q.size() && !S) fail(op, "there are no keys: k is ", k.shape());
  const HeadStrides of_queries = {heads * L * D, D, L * D}, of_keys = {heads * S * D, D, S * D};
  return {.N = q.dim(0),
          .heads = heads,
          .D = D,
          .queries = line_of(L),
          .keys = line_of(S),
          .q = of_queries,
          .k = of_keys,
          .v = of_keys,
          .y = of_queries,
          .causal = causal,
          .scale = 1 / std::sqrt(double(D))};
}

}  // namespace

Tensor attention(const Tensor& qkv, int64_t heads) {
  if (qkv.ndim() != 3) fail("attention", "needs (N, L, 3 C), qkv is ", qkv.shape());
  return packed_attention("attention", qkv,
                          packed_shape("attention", qkv, heads, line_of(qkv.dim(1))), qkv.shape());
}

Tensor window_attention(const Tensor& qkv, int64_t heads, int64_t window) {
  const char* op = "window_attention";
  if (qkv.ndim() != 4) fail(op, "needs (N, H, W, 3 C), qkv is ", qkv.shape());
  if (window < 1) fail(op, "window is ", window);
  const int64_t H = qkv.dim(1), W = qkv.dim(2);
  const TokenGrid tokens = {H, W, std::min(window, H), std::min(window, W)};
  return packed_attention("window_attention", qkv, packed_shape(op, qkv, heads, tokens),
                          qkv.shape());
}

Tensor scaled_dot_product_attention(const Tensor& q, const Tensor& k, const Tensor& v,
                                    bool causal) {
  const char* op = "scaled_dot_product_attention";
  const AttentionShape a = separate_shape(op, q, k, v, causal);
  check_channels(op, a.D);
  Tensor y = Tensor::empty_like(q);
  Tensor log_sum = Tensor::empty({a.rows()}, accumulator_dtype(q), q.device());
  dispatch(op, q, [&]<class T>(auto& here) {
    const trace::Way way(nullptr, a.flops());
    if (y.size())
      attention_forward(here, a, q.read<T>(), k.read<T>(), v.read<T>(), y.write<T>(),
                        log_sum.write<acc_t<T>>());
  });
  return record("scaled_dot_product_attention", {q, k, v}, y, save(q, k, v, y, log_sum),
                [=](const Saved& s, const Tensor& dy, Want) {
                  if (!dy.size())
                    return Grads{Tensor::zeros_like(s[0]), Tensor::zeros_like(s[1]),
                                 Tensor::zeros_like(s[2])};
                  Tensor dq = Tensor::empty_like(s[0]), dk = Tensor::empty_like(s[1]);
                  Tensor dv = Tensor::empty_like(s[2]), dot = Tensor::empty_like(s[4]);
                  dispatch(op, dy, [&]<class T>(auto& here) {
                    const trace::Way way(nullptr, a.backward_flops());
                    using A = acc_t<T>;
                    attention_backward(here, a, s[0].read<T>(), s[1].read<T>(), s[2].read<T>(),
                                       s[3].read<T>(), s[4].read<A>(), dy.read<T>(), dq.write<T>(),
                                       dk.write<T>(), dv.write<T>(), dot.write<A>());
                  });
                  return Grads{dq, dk, dv};
                });
}

}  // namespace tweed
