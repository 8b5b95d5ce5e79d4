#include "autograd/loss.h"

#include "autograd/dispatch.h"
#include "autograd/elementwise.h"
#include "autograd/reduce.h"
#include "autograd/shape_ops.h"
#include "kernels/losses.h"
#include "kernels/machine/trace_notes.h"
#include "kernels/softmax.h"

namespace tweed {
namespace {

// A trace counts the sum within a loss to the loss.
template <class F>
Tensor as_part(F f) {
  const trace::Parts parts;
  return f();
}

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

void check_logits(const char* op, const Tensor& logits) {
  if (logits.ndim() != 2 || logits.dim(1) < 1)
    fail(op, "logits are ", logits.shape(), ", not (N, classes)");
}

void check_targets(const char* op, const Tensor& logits, const Tensor& targets) {
  check_logits(op, logits);
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

void check_options(const char* op, const Tensor& logits, const CrossEntropyOptions& options) {
  const double smoothing = options.label_smoothing;
  if (!(smoothing >= 0 && smoothing <= 1))
    fail(op, "label smoothing ", smoothing, " not in [0, 1]");
  const Tensor& weights = options.class_weights;
  if (!weights.defined()) return;
  check_alike(op, {logits, weights});
  if (weights.shape() != Shape{logits.dim(1)})
    fail(op, "class weights are ", weights.shape(), " for ", logits.dim(1), " classes");
}

// Calls f<T>(here, target), where `target` reads classes (int32) or probabilities of t's dtype.
template <class F>
void dispatch_target(const char* op, const Tensor& t, const Tensor& target, F f) {
  dispatch(op, t, [&]<class T>(auto& here) {
    if (target.dtype() == DType::int32)
      f.template operator()<T>(here, target.read<int32_t>());
    else
      f.template operator()<T>(here, target.read<T>());
  });
}

// The sum of the rows' losses is divided by `divisor` (), or by N if that is undefined.
Tensor cross_entropy_of(const char* op, const Tensor& logits, const Tensor& target,
                        const CrossEntropyOptions& options, const Tensor& divisor) {
  const double smoothing = options.label_smoothing;
  const Tensor& weights = options.class_weights;
  Tensor losses = Tensor::empty({logits.dim(0)}, accumulator_dtype(logits), logits.device());
  dispatch_target(op, logits, target, [&]<class T>(auto& here, auto target) {
    cross_entropy_forward(here, smoothing, logits.read<T>(), target, read_or_empty<T>(weights),
                          losses.write<acc_t<T>>());
  });
  const Tensor loss =
      as_part([&] { return divisor.defined() ? sum(losses) / divisor : mean(losses); });
  auto back = [=](const Saved& s, const Tensor& dy, Want) {
    Tensor dx = Tensor::empty_like(s[0]);
    dispatch_target(op, dy, s[1], [&]<class T>(auto& here, auto target) {
      cross_entropy_backward(here, dx.dim(0), smoothing, s[0].read<T>(), target,
                             read_or_empty<T>(s[2]), read_or_empty<acc_t<T>>(s[3]), dy.read<T>(),
                             dx.write<T>());
    });
    return Grads{dx};
  };
  return record(op, {logits}, loss.to(logits.dtype()), save(logits, target, weights, divisor),
                back);
}

// The sum of f over all elements, divided.
Tensor pair_loss(const char* op, PairLoss f, double divisor, const Tensor& x, const Tensor& y) {
  check_alike(op, {x, y});
  if (x.shape() != y.shape()) fail(op, "shapes ", x.shape(), " and ", y.shape());
  Tensor partial =
      Tensor::empty({ceil_div(x.size(), pair_loss_piece)}, accumulator_dtype(x), x.device());
  dispatch(op, x, [&]<class T>(auto& here) {
    pair_loss_forward(here, f, x.read<T>(), y.read<T>(), partial.write<acc_t<T>>());
  });
  const Tensor loss = as_part([&] { return (sum(partial) / divisor).to(x.dtype()); });
  return record(op, {x, y}, loss, save(x, y), [=](const Saved& s, const Tensor& dy, Want want) {
    auto gradient = [&](int input) {
      if (!want[input]) return Tensor();
      Tensor d = Tensor::empty_like(s[0]);
      dispatch(op, d, [&]<class T>(auto& here) {
        pair_loss_backward(here, f, input == 1, divisor, s[0].read<T>(), s[1].read<T>(),
                           dy.read<T>(), d.write<T>());
      });
      return d;
    };
    return Grads{gradient(0), gradient(1)};
  });
}

}  // namespace

Tensor softmax(const Tensor& x) { return softmax_like("softmax", false, x); }
Tensor log_softmax(const Tensor& x) { return softmax_like("log_softmax", true, x); }

Tensor cross_entropy(const Tensor& logits, const Tensor& targets,
                     const CrossEntropyOptions& options) {
  const char* op = "cross_entropy";
  check_targets(op, logits, targets);
  check_options(op, logits, options);
  Tensor divisor;
  if (options.class_weights.defined()) {
    const Tensor weights = options.class_weights.detach().to(accumulator_dtype(logits));
    divisor = sum(gather_rows(weights, targets));
  }
  return cross_entropy_of("cross_entropy", logits, targets, options, divisor);
}

Tensor cross_entropy_soft(const Tensor& logits, const Tensor& probabilities,
                          const CrossEntropyOptions& options) {
  const char* op = "cross_entropy_soft";
  check_logits(op, logits);
  check_options(op, logits, options);
  check_alike(op, {logits, probabilities});
  if (probabilities.shape() != logits.shape())
    fail(op, "logits are ", logits.shape(), ", probabilities ", probabilities.shape());
  return cross_entropy_of("cross_entropy_soft", logits, probabilities, options, {});
}

Tensor mixed_labels(const Tensor& first, const Tensor& second, const Tensor& share, int64_t classes,
                    DType dtype) {
  const char* op = "mixed_labels";
  for (const Tensor& t : {first, second, share}) {
    if (t.ndim() != 1 || t.shape() != first.shape())
      fail(op, "shapes ", first.shape(), ", ", second.shape(), " and ", share.shape());
    if (!(t.device() == first.device()))
      fail(op, "tensors on ", first.device(), " and ", t.device());
  }
  if (classes < 1) fail(op, classes, " classes");
  Tensor p = Tensor::empty({first.dim(0), classes}, dtype, first.device());
  dispatch(op, p, [&]<class T>(auto& here) {
    mix_labels(here, first.read<int32_t>(), second.read<int32_t>(), share.read<float>(),
               p.write<T>());
  });
  return p;
}

Tensor mse_loss(const Tensor& x, const Tensor& y) {
  return pair_loss("mse_loss", PairLoss::squared_difference, double(x.size()), x, y);
}

Tensor kl_div(const Tensor& log_q, const Tensor& p) {
  if (log_q.ndim() < 1) fail("kl_div", "log_q has no axes");
  return pair_loss("kl_div", PairLoss::divergence, double(log_q.dim(0)), log_q, p);
}

Tensor margin_loss(const Tensor& logits, const Tensor& targets, double kappa, bool targeted) {
  const char* op = "margin_loss";
  check_targets(op, logits, targets);
  const Shape shape = logits.shape();
  if (shape[1] < 2) fail(op, "logits are ", shape, ": no class but the target");
  if (shape[1] > margin_classes) fail(op, shape[1], " classes are more than ", margin_classes);
  if (!(kappa >= 0)) fail(op, "kappa is ", kappa, ", not a number from 0 on");
  Tensor losses = Tensor::empty(targets.shape(), accumulator_dtype(logits), logits.device());
  Tensor rivals = Tensor::empty_like(targets);
  dispatch(op, logits, [&]<class T>(auto& here) {
    margin_loss_forward(here, targeted, kappa, logits.read<T>(), targets.read<int32_t>(),
                        losses.write<acc_t<T>>(), rivals.write<int32_t>());
  });
  const Tensor loss = as_part([&] { return mean(losses).to(logits.dtype()); });
  return record("margin_loss", {logits}, loss, save(targets, rivals),
                [=](const Saved& s, const Tensor& dy, Want) {
                  Tensor dx = Tensor::empty(shape, dy.dtype(), dy.device());
                  dispatch(op, dy, [&]<class T>(auto& here) {
                    margin_loss_backward(here, targeted, s[0].read<int32_t>(), s[1].read<int32_t>(),
                                         dy.read<T>(), dx.write<T>());
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
