#include "autograd/loss.h"

#include "autograd/dispatch.h"
#include "autograd/reduce.h"
#include "kernels/softmax.h"

namespace tweed {
namespace {

Tensor softmax_like(const char* op, bool logarithm, const Tensor& x) {
  if (x.ndim() < 1) fail(op, "x has no axes");
  const int64_t rows = x.shape().product(0, x.ndim() - 1);
  Tensor y = Tensor::empty_like(x);
  dispatch(op, x, [&]<class T>(auto& here) {
    softmax_forward(here, logarithm, rows, x.read<T>(), y.write<T>());
  });
  return record(op, {x}, y, save(y), [=](const Saved& s, const Tensor& dy, Want) {
    Tensor dx = Tensor::empty_like(dy);
    dispatch(op, dy, [&]<class T>(auto& here) {
      softmax_backward(here, logarithm, rows, s[0].read<T>(), dy.read<T>(), dx.write<T>());
    });
    return Grads{dx};
  });
}

void check_targets(const char* op, const Tensor& logits, const Tensor& targets) {
  if (logits.ndim() != 2 || logits.dim(1) < 1)
    fail(op, "logits are ", logits.shape(), ", not (N, classes)");
  if (targets.shape() != Shape{logits.dim(0)})
    fail(op, "logits are ", logits.shape(), ", targets ", targets.shape());
  if (targets.dtype() != DType::int32) fail(op, "targets are ", targets.dtype(), ", not int32");
  if (!(targets.device() == logits.device()))
    fail(op, "logits are on ", logits.device(), ", targets on ", targets.device());
  if (targets.device().is_cuda()) return;
  const Span<const int32_t> values = targets.read<int32_t>();
  for (int64_t i = 0; i < values.size(); ++i)
    if (values[i] < 0 || values[i] >= logits.dim(1))
      fail(op, "target ", values[i], " of row ", i, " is out of range for ", logits.dim(1),
           " classes");
}

}  // namespace

Tensor softmax(const Tensor& x) { return softmax_like("softmax", false, x); }
Tensor log_softmax(const Tensor& x) { return softmax_like("log_softmax", true, x); }

Tensor cross_entropy(const Tensor& logits, const Tensor& targets) {
  check_targets("cross_entropy", logits, targets);
  Tensor losses = Tensor::empty(targets.shape(), accumulator_dtype(logits), logits.device());
  dispatch("cross_entropy", logits, [&]<class T>(auto& here) {
    cross_entropy_forward(here, logits.read<T>(), targets.read<int32_t>(),
                          losses.write<acc_t<T>>());
  });
  return record("cross_entropy", {logits}, mean(losses).to(logits.dtype()), save(logits, targets),
                [](const Saved& s, const Tensor& dy, Want) {
                  Tensor dx = Tensor::empty_like(s[0]);
                  dispatch("cross_entropy", dy, [&]<class T>(auto& here) {
                    cross_entropy_backward(here, s[0].read<T>(), s[1].read<int32_t>(), dy.read<T>(),
                                           dx.write<T>());
                  });
                  return Grads{dx};
                });
}

Tensor target_ranks(const Tensor& logits, const Tensor& targets) {
  check_targets("target_ranks", logits, targets);
  Tensor ranks = Tensor::empty(targets.shape(), DType::int32, logits.device());
  dispatch("target_ranks", logits, [&]<class T>(auto& here) {
    target_rank(here, logits.read<T>(), targets.read<int32_t>(), ranks.write<int32_t>());
  });
  return ranks;
}

int64_t count_top(const Tensor& ranks, int k) {
  int64_t count = 0;
  for (int32_t rank : ranks.to_vector<int32_t>()) count += rank < k;
  return count;
}

}  // namespace tweed
