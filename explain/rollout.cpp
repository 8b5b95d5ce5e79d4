#include "explain/rollout.h"

#include <cmath>

#include "autograd/elementwise.h"
#include "autograd/image_ops.h"
#include "autograd/loss.h"
#include "autograd/matmul.h"
#include "autograd/reduce.h"
#include "autograd/shape_ops.h"
#include "explain/layer_tap.h"
#include "nn/attention.h"
#include "nn/eval_mode.h"
#include "nn/forward_float.h"

namespace tweed {
namespace {

// What a layer of attention computed from: queries, keys and values side by side.
struct Looked {
  Tensor qkv;  // (N, L, 3 C), or (N, H, W, 3 C) where there are windows
  int64_t heads, window;
};

std::vector<Looked> watch_attention(Module& network, const Tensor& x) {
  const EvalMode eval(network);
  std::vector<Looked> all;
  std::vector<ScopedHook> hooks;
  for (auto& [name, module] : network.modules())
    if (const auto* attention = dynamic_cast<Attention*>(module)) {
      Module& qkv = module->find("qkv");
      hooks.emplace_back(qkv, qkv.on_output([&all, attention](const Tensor& y) {
        all.push_back({y.detach(), attention->heads(), attention->window()});
        return Tensor();
      }));
    }
  if (hooks.empty()) throw Error("attention rollout needs layers of attention; there are none");
  forward_float(network, x.detach());
  return all;
}

// 0 between tokens of a window, else so little that softmax makes nothing of it: (L, L).
Tensor apart(int64_t height, int64_t width, int64_t window, const Tensor& like) {
  const int64_t L = height * width;
  std::vector<float> values;
  const auto window_of = [&](int64_t t) {
    return std::pair(t / width / window, t % width / window);
  };
  for (int64_t a = 0; a < L; ++a)
    for (int64_t b = 0; b < L; ++b) values.push_back(window_of(a) == window_of(b) ? 0 : -1e30f);
  return Tensor::from(values, {L, L}).to(like.dtype()).to(like.device());
}

// How much each token looked at each other one, mean over heads: (N, L, L), rows add up to 1.
Tensor attention_of(const Looked& looked, DType dtype) {
  const Tensor packed = cast(looked.qkv, dtype);
  const int64_t N = packed.dim(0), C = packed.dim(-1) / 3, D = C / looked.heads;
  const Tensor tokens = packed.reshape({N, -1, 3 * C});
  const auto part = [&](int64_t which) {
    return permute(reshape(slice(tokens, 2, which * C, (which + 1) * C), {N, -1, looked.heads, D}),
                   {0, 2, 1, 3});
  };
  Tensor scores = matmul(part(0), part(1), {.transpose_b = true}) / std::sqrt(double(D));
  if (looked.window) scores = scores + apart(packed.dim(1), packed.dim(2), looked.window, scores);
  return mean(softmax(scores), {1});
}

Tensor identity(int64_t n, const Tensor& like) {
  std::vector<float> values(std::size_t(n * n), 0);
  for (int64_t i = 0; i < n; ++i) values[std::size_t(i * n + i)] = 1;
  return Tensor::from(values, {1, n, n}).to(like.dtype()).to(like.device());
}

}  // namespace

Tensor attention_rollout(Module& network, const Tensor& x) {
  const NoGrad no_grad;
  Tensor rolled;
  for (auto& looked : watch_attention(network, x)) {
    const Tensor attention = attention_of(looked, x.dtype());
    const Tensor mixed = (attention + identity(attention.dim(1), attention)) * 0.5;
    rolled = rolled.defined() ? matmul(mixed, rolled) : mixed;
  }
  const int64_t N = rolled.dim(0), L = rolled.dim(1);
  const Tensor probe = as_map(Tensor::zeros({1, L, 1}), x.dim(1), x.dim(2));
  if (!probe.defined()) throw Error(std::to_string(L) + " tokens do not fill the image");
  const bool class_token = probe.size() < L;
  const Tensor taken = class_token ? slice(rolled, 1, 0, 1) : mean(rolled, {1}, true);  // (N, 1, L)
  const Tensor map = as_map(taken.reshape({N, L, 1}), x.dim(1), x.dim(2));
  return resize_bilinear(map, x.dim(1), x.dim(2)).reshape({N, x.dim(1), x.dim(2)});
}

}  // namespace tweed
