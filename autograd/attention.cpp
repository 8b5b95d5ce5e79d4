#include "autograd/attention.h"

#include <cmath>

#include "autograd/describe.h"
#include "autograd/dispatch.h"
#include "autograd/reduce.h"
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
      attention_forward(here, a, part(x, 0, a), part(x, 1, a), part(x, 2, a), {}, y.write<T>(),
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
        attention_backward(here, a, part(x, 0, a), part(x, 1, a), part(x, 2, a), {}, s[1].read<T>(),
                           s[2].read<A>(), dy.read<T>(), part(dx, 0, a), part(dx, 1, a),
                           part(dx, 2, a), {}, dot.write<A>());
    });
    return Grads{dqkv};
  });
}

// Where a mask's elements lie; along what it is repeated over they are the same.
MaskStrides mask_strides(const char* op, const Tensor& q, const Tensor& mask, int64_t keys) {
  const Shape pairs = {q.dim(0), q.dim(1), q.dim(2), keys}, &given = mask.shape();
  if (mask.dtype() != DType::uint8 && mask.dtype() != q.dtype())
    fail(op, "the mask is ", mask.dtype(), ": uint8 or ", q.dtype(), " would be one");
  if (mask.device() != q.device())
    fail(op, "the mask is on ", mask.device(), ", q on ", q.device());
  int64_t strides[4] = {}, stride = 1;
  for (int axis = 1; axis <= given.ndim(); ++axis) {
    const bool fits = axis <= 4 && (given[-axis] == 1 || given[-axis] == pairs[-axis]);
    if (!fits) fail(op, "the mask is ", given, ", which does not broadcast to ", pairs);
    strides[4 - axis] = given[-axis] == 1 ? 0 : stride;
    stride *= given[-axis];
  }
  return {strides[0], strides[1], strides[2], strides[3]};
}

AttentionShape separate_shape(const char* op, const Tensor& q, const Tensor& k, const Tensor& v,
                              const AttentionOptions& o) {
  check_alike(op, {q, k, v});
  Shape wanted = q.shape();
  const bool images = q.ndim() == 4 && k.ndim() == 4;
  if (images) wanted.set(2, k.dim(2));
  if (images && k.dim(1) && q.dim(1) % k.dim(1) == 0) wanted.set(1, k.dim(1));
  if (q.ndim() != 4 || k.shape() != wanted || v.shape() != wanted)
    fail(op, "q is ", q.shape(), ", k ", k.shape(), ", v ", v.shape());
  const int64_t heads = q.dim(1), key_heads = k.dim(1);
  const int64_t L = q.dim(2), S = k.dim(2), D = q.dim(3);
  if (q.size() && !S) fail(op, "there are no keys: k is ", k.shape());
  const HeadStrides of_queries = {heads * L * D, D, L * D}, of_keys = {key_heads * S * D, D, S * D};
  return {.N = q.dim(0),
          .heads = heads,
          .D = D,
          .queries = line_of(L),
          .keys = line_of(S),
          .q = of_queries,
          .k = of_keys,
          .v = of_keys,
          .y = of_queries,
          .causal = o.causal,
          .scale = o.scale != 0 ? o.scale : 1 / std::sqrt(double(D)),
          .group = key_heads ? heads / key_heads : 1,
          .masked = o.mask.defined(),
          .mask = o.mask.defined() ? mask_strides(op, q, o.mask, S) : MaskStrides{}};
}

// The mask as kernels take it.
template <class T>
AttentionMask<T> mask_of(const Tensor& mask) {
  if (!mask.defined()) return {};
  if (mask.dtype() == DType::uint8) return {.allowed = mask.read<uint8_t>()};
  return {.added = mask.read<T>()};
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
                                    const AttentionOptions& options) {
  const char* op = "scaled_dot_product_attention";
  const AttentionShape a = separate_shape(op, q, k, v, options);
  const Tensor& mask = options.mask;
  check_channels(op, a.D);
  Tensor y = Tensor::empty_like(q);
  Tensor log_sum = Tensor::empty({a.rows()}, accumulator_dtype(q), q.device());
  dispatch(op, q, [&]<class T>(auto& here) {
    const trace::Way way(nullptr, a.flops());
    if (y.size())
      attention_forward(here, a, q.read<T>(), k.read<T>(), v.read<T>(), mask_of<T>(mask),
                        y.write<T>(), log_sum.write<acc_t<T>>());
  });
  // A mask of bytes is no input: nothing flows to it.
  const bool adds = mask.defined() && mask.dtype() != DType::uint8;
  std::vector<Tensor> inputs = {q, k, v};
  if (adds) inputs.push_back(mask);
  std::vector<Tensor> kept = save(q, k, v, y, log_sum);
  if (mask.defined()) kept.push_back(mask);
  return record("scaled_dot_product_attention", inputs, y, kept,
                [=](const Saved& s, const Tensor& dy, Want want) {
                  const Tensor mask = a.masked ? s[5] : Tensor();
                  if (!dy.size()) {
                    Grads zeros = {Tensor::zeros_like(s[0]), Tensor::zeros_like(s[1]),
                                   Tensor::zeros_like(s[2])};
                    if (adds) zeros.push_back(Tensor::zeros_like(mask));
                    return zeros;
                  }
                  Tensor dq = Tensor::empty_like(s[0]), dk = Tensor::empty_like(s[1]);
                  Tensor dv = Tensor::empty_like(s[2]), dot = Tensor::empty_like(s[4]);
                  Tensor dpairs;
                  if (adds && want[3])
                    dpairs = Tensor::empty({a.N, a.heads, a.queries.tokens(), a.keys.tokens()},
                                           dy.dtype(), dy.device());
                  dispatch(op, dy, [&]<class T>(auto& here) {
                    const trace::Way way(nullptr, a.backward_flops());
                    using A = acc_t<T>;
                    attention_backward(here, a, s[0].read<T>(), s[1].read<T>(), s[2].read<T>(),
                                       mask_of<T>(mask), s[3].read<T>(), s[4].read<A>(),
                                       dy.read<T>(), dq.write<T>(), dk.write<T>(), dv.write<T>(),
                                       write_or_empty<T>(dpairs), dot.write<A>());
                  });
                  Grads grads = {dq, dk, dv};
                  if (adds)
                    grads.push_back(dpairs.defined() ? sum_to(dpairs, mask.shape()) : dpairs);
                  return grads;
                });
}

Tensor scaled_dot_product_attention(const Tensor& q, const Tensor& k, const Tensor& v,
                                    bool causal) {
  return scaled_dot_product_attention(q, k, v, AttentionOptions{.causal = causal});
}

}  // namespace tweed
