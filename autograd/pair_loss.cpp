// The losses of autograd/loss.h between two tensors.
#include "autograd/elementwise.h"
#include "autograd/loss_parts.h"
#include "kernels/loss/pairs.h"

namespace tweed {
namespace {

void check_pair(const char* op, const Tensor& x, const Tensor& y) {
  check_alike(op, {x, y});
  if (x.shape() != y.shape()) fail(op, "shapes ", x.shape(), " and ", y.shape());
}

// The sum of f over all elements, divided.
Tensor summed(const char* op, PairLoss f, double p, double divisor, const Tensor& x,
              const Tensor& y) {
  Tensor partial =
      Tensor::empty({ceil_div(x.size(), pair_loss_piece)}, accumulator_dtype(x), x.device());
  dispatch(op, x, [&]<class T>(auto& here) {
    pair_loss_forward(here, f, p, x.read<T>(), y.read<T>(), partial.write<acc_t<T>>());
  });
  const Tensor loss = as_part([&] { return (sum(partial) / divisor).to(x.dtype()); });
  return record(op, {x, y}, loss, save(x, y), [=](const Saved& s, const Tensor& dy, Want want) {
    auto gradient = [&](int input) {
      if (!want[input]) return Tensor();
      Tensor d = Tensor::empty_like(s[0]);
      dispatch(op, d, [&]<class T>(auto& here) {
        pair_loss_backward(here, f, p, input == 1, divisor, s[0].read<T>(), s[1].read<T>(),
                           dy.read<T>(), d.write<T>());
      });
      return d;
    };
    return Grads{gradient(0), gradient(1)};
  });
}

template <class T>
PairWeights<T> weights_in(const Tensor& all, const Tensor& positive) {
  return {read_or_empty<T>(all), read_or_empty<T>(positive)};
}

// f of each element, with weights that are as large as x or undefined.
Tensor weighted(const char* op, PairLoss f, double p, const Tensor& x, const Tensor& y,
                const Tensor& all, const Tensor& positive, Reduce reduce) {
  Tensor losses = Tensor::empty(x.shape(), accumulator_dtype(x), x.device());
  dispatch(op, x, [&]<class T>(auto& here) {
    pair_loss_each(here, f, p, x.read<T>(), y.read<T>(), weights_in<T>(all, positive),
                   losses.write<acc_t<T>>());
  });
  const double divisor = count_of(reduce, x.size());
  return record(op, {x, y}, reduced(losses, reduce, x.dtype()), save(x, y, all, positive),
                [=](const Saved& s, const Tensor& dy, Want want) {
                  auto gradient = [&](int input) {
                    if (!want[input]) return Tensor();
                    Tensor d = Tensor::empty_like(s[0]);
                    dispatch(op, d, [&]<class T>(auto& here) {
                      pair_loss_each_backward(here, f, p, input == 1, divisor, s[0].read<T>(),
                                              s[1].read<T>(), weights_in<T>(s[2], s[3]),
                                              dy.read<T>(), d.write<T>());
                    });
                    return d;
                  };
                  return Grads{gradient(0), gradient(1)};
                });
}

Tensor pair_loss(const char* op, PairLoss f, double p, Reduce reduce, const Tensor& x,
                 const Tensor& y) {
  check_pair(op, x, y);
  if (reduce == Reduce::none) return weighted(op, f, p, x, y, {}, {}, reduce);
  return summed(op, f, p, count_of(reduce, x.size()), x, y);
}

// A weight as large as the logits, or undefined.
Tensor spread(const char* name, const Tensor& weight, const Tensor& logits) {
  if (!weight.defined()) return {};
  check_alike("bce_with_logits", {logits, weight});
  const Shape &from = weight.shape(), &to = logits.shape();
  bool fits = from.ndim() <= to.ndim();
  for (int i = 1; fits && i <= from.ndim(); ++i) fits = from[-i] == to[-i] || from[-i] == 1;
  if (!fits) fail("bce_with_logits", name, " is ", from, ", logits are ", to);
  const NoGrad no_grad;
  return from == to ? weight.detach() : expand(weight, to);
}

}  // namespace

Tensor mse_loss(const Tensor& x, const Tensor& y, Reduce reduce) {
  return pair_loss("mse_loss", PairLoss::squared_difference, 0, reduce, x, y);
}
Tensor l1_loss(const Tensor& x, const Tensor& y, Reduce reduce) {
  return pair_loss("l1_loss", PairLoss::absolute_difference, 0, reduce, x, y);
}
Tensor smooth_l1_loss(const Tensor& x, const Tensor& y, double beta, Reduce reduce) {
  const char* op = "smooth_l1_loss";
  if (!(beta >= 0)) fail(op, "beta is ", beta, ", not a number from 0 on");
  return pair_loss(op, PairLoss::smooth_difference, beta, reduce, x, y);
}

Tensor bce_with_logits(const Tensor& logits, const Tensor& targets, const BceOptions& options) {
  const char* op = "bce_with_logits";
  check_pair(op, logits, targets);
  const Tensor all = spread("weight", options.weight, logits);
  const Tensor positive = spread("pos_weight", options.pos_weight, logits);
  if (!all.defined() && !positive.defined())
    return pair_loss(op, PairLoss::logistic, 0, options.reduce, logits, targets);
  return weighted(op, PairLoss::logistic, 0, logits, targets, all, positive, options.reduce);
}

Tensor kl_div(const Tensor& log_q, const Tensor& p) {
  const char* op = "kl_div";
  if (log_q.ndim() < 1) fail(op, "log_q has no axes");
  check_pair(op, log_q, p);
  return summed(op, PairLoss::divergence, 0, double(log_q.dim(0)), log_q, p);
}

}  // namespace tweed
