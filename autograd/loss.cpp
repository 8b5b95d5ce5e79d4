#include "autograd/loss.h"

#include "autograd/elementwise.h"
#include "autograd/loss_parts.h"
#include "kernels/loss/classes.h"
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

void check_logits(const char* op, const Tensor& logits) {
  if (logits.ndim() < 2 || logits.dim(-1) < 1)
    fail(op, "logits are ", logits.shape(), ", not (N, classes) or (N, ..., classes)");
}

int64_t row_count(const Tensor& logits) { return logits.shape().product(0, logits.ndim() - 1); }

void check_targets(const char* op, const Tensor& logits, const Tensor& targets,
                   std::optional<int32_t> ignored = {}) {
  check_logits(op, logits);
  if (targets.shape() != logits.shape().part(0, logits.ndim() - 1))
    fail(op, "logits are ", logits.shape(), ", targets ", targets.shape());
  if (targets.dtype() != DType::int32) fail(op, "targets are ", targets.dtype(), ", not int32");
  if (!(targets.device() == logits.device()))
    fail(op, "logits are on ", logits.device(), ", targets on ", targets.device());
  if (targets.device().is_cuda()) return;
  const Span<const int32_t> values = targets.read<int32_t>();
  for (int64_t i = 0; i < values.size(); ++i)
    if ((values[i] < 0 || values[i] >= logits.dim(-1)) && values[i] != ignored)
      fail(op, "target ", values[i], " of row ", i, " is out of range for ", logits.dim(-1),
           " classes");
}

void check_weights(const char* op, const Tensor& logits, const Tensor& weights) {
  if (!weights.defined()) return;
  check_alike(op, {logits, weights});
  if (weights.shape() != Shape{logits.dim(-1)})
    fail(op, "class weights are ", weights.shape(), " for ", logits.dim(-1), " classes");
}

void check_smoothing(const char* op, double smoothing) {
  if (!(smoothing >= 0 && smoothing <= 1))
    fail(op, "label smoothing ", smoothing, " not in [0, 1]");
}

int64_t number_of(std::optional<int32_t> ignored) { return ignored ? *ignored : no_class; }

// What the mean of rows divides by: undefined where all rows count alike, or for no mean.
Tensor divisor_of(const char* op, const Tensor& logits, const Tensor& targets,
                  const Tensor& weights, Reduce reduce, std::optional<int32_t> ignored) {
  if (reduce != Reduce::mean || !(weights.defined() || ignored)) return {};
  Tensor each = Tensor::empty(targets.shape(), accumulator_dtype(logits), logits.device());
  dispatch(op, logits, [&]<class T>(auto& here) {
    weights_of_targets(here, logits.dim(-1), number_of(ignored), targets.read<int32_t>(),
                       read_or_empty<T>(weights), each.write<acc_t<T>>());
  });
  return as_part([&] { return sum(each); });
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

Tensor cross_entropy_of(const char* op, const Tensor& logits, const Tensor& target,
                        const CrossEntropyOptions& options, const Tensor& divisor) {
  const double smoothing = options.label_smoothing;
  const int64_t rows = row_count(logits), ignored = number_of(options.ignore_index);
  const double count = count_of(options.reduce, rows, divisor.defined());
  const Tensor& weights = options.class_weights;
  const Shape each = logits.shape().part(0, logits.ndim() - 1);
  Tensor losses = Tensor::empty(each, accumulator_dtype(logits), logits.device());
  dispatch_target(op, logits, target, [&]<class T>(auto& here, auto target) {
    cross_entropy_forward(here, smoothing, ignored, logits.read<T>(), target,
                          read_or_empty<T>(weights), losses.write<acc_t<T>>());
  });
  const Tensor loss = reduced(losses, options.reduce, logits.dtype(), divisor);
  auto back = [=](const Saved& s, const Tensor& dy, Want) {
    Tensor dx = Tensor::empty_like(s[0]);
    dispatch_target(op, dy, s[1], [&]<class T>(auto& here, auto target) {
      cross_entropy_backward(here, rows, count, smoothing, ignored, s[0].read<T>(), target,
                             read_or_empty<T>(s[2]), read_or_empty<acc_t<T>>(s[3]), dy.read<T>(),
                             dx.write<T>());
    });
    return Grads{dx};
  };
  return record(op, {logits}, loss, save(logits, target, weights, divisor), back);
}

}  // namespace

Tensor softmax(const Tensor& x) { return softmax_like("softmax", false, x); }
Tensor log_softmax(const Tensor& x) { return softmax_like("log_softmax", true, x); }

Tensor cross_entropy(const Tensor& logits, const Tensor& targets,
                     const CrossEntropyOptions& options) {
  const char* op = "cross_entropy";
  check_targets(op, logits, targets, options.ignore_index);
  check_smoothing(op, options.label_smoothing);
  check_weights(op, logits, options.class_weights);
  const Tensor divisor =
      divisor_of(op, logits, targets, options.class_weights, options.reduce, options.ignore_index);
  return cross_entropy_of("cross_entropy", logits, targets, options, divisor);
}

Tensor cross_entropy_soft(const Tensor& logits, const Tensor& probabilities,
                          const CrossEntropyOptions& options) {
  const char* op = "cross_entropy_soft";
  check_logits(op, logits);
  check_smoothing(op, options.label_smoothing);
  check_weights(op, logits, options.class_weights);
  check_alike(op, {logits, probabilities});
  if (probabilities.shape() != logits.shape())
    fail(op, "logits are ", logits.shape(), ", probabilities ", probabilities.shape());
  if (options.ignore_index)
    fail(op, "ignore_index is ", *options.ignore_index, ", but targets are probabilities");
  return cross_entropy_of("cross_entropy_soft", logits, probabilities, options, {});
}

Tensor nll_loss(const Tensor& log_p, const Tensor& targets, const NllOptions& options) {
  const char* op = "nll_loss";
  const Tensor& weights = options.class_weights;
  check_targets(op, log_p, targets, options.ignore_index);
  check_weights(op, log_p, weights);
  const Tensor divisor =
      divisor_of(op, log_p, targets, weights, options.reduce, options.ignore_index);
  const double count = count_of(options.reduce, targets.size(), divisor.defined());
  const int64_t ignored = number_of(options.ignore_index);
  const Shape shape = log_p.shape();
  Tensor losses = Tensor::empty(targets.shape(), accumulator_dtype(log_p), log_p.device());
  dispatch(op, log_p, [&]<class T>(auto& here) {
    nll_forward(here, ignored, log_p.read<T>(), targets.read<int32_t>(), read_or_empty<T>(weights),
                losses.write<acc_t<T>>());
  });
  const Tensor loss = reduced(losses, options.reduce, log_p.dtype(), divisor);
  return record("nll_loss", {log_p}, loss, save(targets, weights, divisor),
                [=](const Saved& s, const Tensor& dy, Want) {
                  Tensor dx = Tensor::empty(shape, dy.dtype(), dy.device());
                  dispatch(op, dy, [&]<class T>(auto& here) {
                    nll_backward(here, count, ignored, s[0].read<int32_t>(), read_or_empty<T>(s[1]),
                                 read_or_empty<acc_t<T>>(s[2]), dy.read<T>(), dx.write<T>());
                  });
                  return Grads{dx};
                });
}

Tensor multi_margin_loss(const Tensor& x, const Tensor& targets,
                         const MultiMarginOptions& options) {
  const char* op = "multi_margin_loss";
  const Tensor& weights = options.class_weights;
  check_targets(op, x, targets);
  check_weights(op, x, weights);
  if (options.p != 1 && options.p != 2) fail(op, "p is ", options.p, ", not 1 or 2");
  const bool squared = options.p == 2;
  const double margin = options.margin, count = count_of(options.reduce, targets.size());
  Tensor losses = Tensor::empty(targets.shape(), accumulator_dtype(x), x.device());
  dispatch(op, x, [&]<class T>(auto& here) {
    multi_margin_forward(here, squared, margin, x.read<T>(), targets.read<int32_t>(),
                         read_or_empty<T>(weights), losses.write<acc_t<T>>());
  });
  return record("multi_margin_loss", {x}, reduced(losses, options.reduce, x.dtype()),
                save(x, targets, weights), [=](const Saved& s, const Tensor& dy, Want) {
                  Tensor dx = Tensor::empty_like(s[0]);
                  dispatch(op, dy, [&]<class T>(auto& here) {
                    multi_margin_backward(here, squared, margin, count, s[0].read<T>(),
                                          s[1].read<int32_t>(), read_or_empty<T>(s[2]),
                                          dy.read<T>(), dx.write<T>());
                  });
                  return Grads{dx};
                });
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

Tensor margin_loss(const Tensor& logits, const Tensor& targets, double kappa, bool targeted) {
  const char* op = "margin_loss";
  check_targets(op, logits, targets);
  const Shape shape = logits.shape();
  if (shape[-1] < 2) fail(op, "logits are ", shape, ": no class but the target");
  if (shape[-1] > margin_classes) fail(op, shape[-1], " classes are more than ", margin_classes);
  if (!(kappa >= 0)) fail(op, "kappa is ", kappa, ", not a number from 0 on");
  Tensor losses = Tensor::empty(targets.shape(), accumulator_dtype(logits), logits.device());
  Tensor rivals = Tensor::empty_like(targets);
  dispatch(op, logits, [&]<class T>(auto& here) {
    margin_loss_forward(here, targeted, kappa, logits.read<T>(), targets.read<int32_t>(),
                        losses.write<acc_t<T>>(), rivals.write<int32_t>());
  });
  return record("margin_loss", {logits}, reduced(losses, Reduce::mean, logits.dtype()),
                save(targets, rivals), [=](const Saved& s, const Tensor& dy, Want) {
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
