#include "autograd/norm.h"

#include "autograd/channel_moments.h"
#include "autograd/describe.h"
#include "autograd/dispatch.h"
#include "kernels/batch_norm.h"
#include "kernels/group_norm.h"
#include "kernels/layer_norm.h"
#include "kernels/rms_norm.h"

namespace tweed {
namespace {

void check_scale_and_shift(const char* op, const Tensor& x, const Tensor& gamma,
                           const Tensor& beta) {
  check_alike(op, {x, gamma, beta});
  if (x.ndim() < 1) fail(op, "x has no axes");
  const Shape channels = {x.dim(-1)};
  if (gamma.shape() != channels) fail(op, "gamma is ", gamma.shape(), ", x is ", x.shape());
  if (beta.shape() != channels) fail(op, "beta is ", beta.shape(), ", x is ", x.shape());
}

void check_batch_norm(const Tensor& x, const Tensor& gamma, const Tensor& beta,
                      const Tensor& running_mean, const Tensor& running_var, const Tensor& batches,
                      bool training, const BatchParts* parts) {
  const char* op = "batch_norm";
  check_scale_and_shift(op, x, gamma, beta);
  const Shape channels = {x.dim(-1)};
  if (running_mean.defined() != running_var.defined() || (!training && !running_mean.defined()))
    fail(op, "needs running_mean and running_var");
  if (running_mean.defined()) {
    if (running_mean.shape() != channels || running_var.shape() != channels)
      fail(op, "running statistics are ", running_mean.shape(), " and ", running_var.shape(),
           ", x is ", x.shape());
    if (running_mean.dtype() != accumulator_dtype(x))
      fail(op, "running statistics are ", running_mean.dtype(), ", x is ", x.dtype());
    check_alike(op, {running_mean, running_var});
  }
  if (batches.defined() &&
      (batches.dtype() != DType::int32 || batches.size() != 1 || !(batches.device() == x.device())))
    fail(op, "batches is ", batches.shape(), " of ", batches.dtype(), " on ", batches.device());
  if (training && x.size() == x.dim(-1) && !(parts && parts->images() > 1))
    fail(op, "x is ", x.shape(), ": training needs more than one row");
}

// Of rows here, those of all parts.
int64_t rows_of_all(int64_t rows, const BatchParts& parts) {
  return rows / parts.own_images() * parts.images();
}

Grads no_gradients(const Tensor& x, const Tensor& gamma) {
  return {Tensor::zeros_like(x), Tensor::zeros_like(gamma), Tensor::zeros_like(gamma)};
}

int64_t rows_of(const Tensor& x) { return x.dim(-1) ? x.size() / x.dim(-1) : 0; }

// The mean of each channel, and the sum of squared deviations from it: (2, C).
Tensor moments_of(const Tensor& x) {
  const int64_t C = x.dim(-1), rows = rows_of(x);
  const Tensor result = Tensor::empty({2, C}, accumulator_dtype(x), x.device());
  dispatch("batch_norm", x, [&]<class T>(auto& here) {
    using A = acc_t<T>;
    if (auto known = std::dynamic_pointer_cast<const ChannelMoments>(x.annotation()))
      return batch_norm_join_moments(here, rows, known->slab_rows, known->moments.read<A>(),
                                     result.write<A>());
    Tensor partial = Tensor::empty({batch_norm_slabs(rows, C), 2, C}, result.dtype(), x.device());
    batch_norm_moments(here, rows, x.read<T>(), result.write<A>(), partial.write<A>());
  });
  return result;
}

// The batch's mean and rstd in training, with the running ones updated; else the running ones.
void find_statistics(const Tensor& x, const Tensor& running_mean, const Tensor& running_var,
                     const BatchNormOptions& options, Tensor& mean, Tensor& rstd) {
  const bool training = options.training;
  const double momentum = options.momentum, eps = options.eps;
  const int64_t C = x.dim(-1), rows = rows_of(x);
  const Tensor& batches = options.batches;
  rstd = Tensor::empty({C}, accumulator_dtype(x), x.device());
  mean = training ? Tensor::empty_like(rstd) : running_mean.clone();
  dispatch("batch_norm", x, [&]<class T>(auto& here) {
    using A = acc_t<T>;
    if (!training) return batch_norm_rstd(here, eps, running_var.read<A>(), rstd.write<A>());
    if (const BatchParts* parts = options.parts)
      return batch_norm_join_parts(here, parts->images(), rows / parts->own_images(), eps, momentum,
                                   parts->gather(moments_of(x)).read<A>(), mean.write<A>(),
                                   rstd.write<A>(), write_or_empty<A>(running_mean),
                                   write_or_empty<A>(running_var),
                                   write_or_empty<int32_t>(batches));
    if (auto known = std::dynamic_pointer_cast<const ChannelMoments>(x.annotation()))
      return batch_norm_join(here, rows, known->slab_rows, eps, momentum, known->moments.read<A>(),
                             mean.write<A>(), rstd.write<A>(), write_or_empty<A>(running_mean),
                             write_or_empty<A>(running_var), write_or_empty<int32_t>(batches));
    Tensor partial = Tensor::empty({batch_norm_slabs(rows, C), 2, C}, rstd.dtype(), x.device());
    batch_norm_statistics(here, rows, eps, momentum, x.read<T>(), mean.write<A>(), rstd.write<A>(),
                          write_or_empty<A>(running_mean), write_or_empty<A>(running_var),
                          write_or_empty<int32_t>(batches), partial.write<A>());
  });
  if (training && batches.defined()) batches.changed();
  if (!training || !running_mean.defined()) return;
  running_mean.changed();
  running_var.changed();
}

// Back through the statistics of a batch of which other processes have parts.
Grads backward_of_parts(const Saved& s, const Tensor& dy, Want want, Activation activation,
                        const BatchParts& parts) {
  const Tensor &x = s[0], &gamma = s[1], &mean = s[2], &rstd = s[3], &y = s[4];
  const int64_t C = gamma.size(), rows = rows_of(x);
  Tensor dx, dgamma = Tensor::empty_like(gamma), dbeta = Tensor::empty_like(gamma);
  if (want[0]) dx = Tensor::empty_like(x);
  const Tensor sums = Tensor::empty({2, C}, mean.dtype(), mean.device());
  const Tensor slopes = Tensor::empty_like(sums);
  Tensor partial = Tensor::empty({batch_norm_slabs(rows, C), 2, C}, mean.dtype(), mean.device());
  dispatch("batch_norm", dy, [&]<class T>(auto& here) {
    using A = acc_t<T>;
    batch_norm_sums(here, activation, rows, x.read<T>(), mean.read<A>(), rstd.read<A>(),
                    read_or_empty<T>(y), dy.read<T>(), dgamma.write<T>(), dbeta.write<T>(),
                    sums.write<A>(), partial.write<A>());
    if (!want[0]) return;
    batch_norm_backward_by_sums(here, activation, rows, rows_of_all(rows, parts), x.read<T>(),
                                gamma.read<T>(), mean.read<A>(), rstd.read<A>(),
                                read_or_empty<T>(y), dy.read<T>(), parts.gather(sums).read<A>(),
                                slopes.write<A>(), dx.write<T>());
  });
  return {dx, dgamma, dbeta};
}

}  // namespace

Tensor batch_norm(const Tensor& x, const Tensor& gamma, const Tensor& beta,
                  const Tensor& running_mean, const Tensor& running_var,
                  const BatchNormOptions& options) {
  const bool training = options.training;
  const Activation activation = options.activation;
  const BatchParts* const parts = training ? options.parts : nullptr;
  check_batch_norm(x, gamma, beta, running_mean, running_var, options.batches, training,
                   options.parts);
  Tensor mean, rstd, y = Tensor::empty_like(x);
  if (x.size()) find_statistics(x, running_mean, running_var, options, mean, rstd);
  dispatch("batch_norm", x, [&]<class T>(auto& here) {
    using A = acc_t<T>;
    if (!x.size()) return;
    batch_norm_forward(here, activation, rows_of(x), x.read<T>(), gamma.read<T>(), beta.read<T>(),
                       mean.read<A>(), rstd.read<A>(), y.write<T>());
  });
  const Tensor result = activation == Activation::none ? Tensor() : y;
  if (is_watched())
    describe("batch_norm",
             {{"eps", {options.eps}}, {"relu", {double(activation == Activation::relu)}}});
  return record("batch_norm", {x, gamma, beta}, y, save(x, gamma, mean, rstd, result),
                [=](const Saved& s, const Tensor& dy, Want want) {
                  const Tensor &x = s[0], &gamma = s[1], &mean = s[2], &rstd = s[3], &y = s[4];
                  if (!x.size()) return no_gradients(x, gamma);
                  if (parts) return backward_of_parts(s, dy, want, activation, *parts);
                  const int64_t C = gamma.size(), rows = rows_of(x);
                  Tensor dx, dgamma = Tensor::empty_like(gamma), dbeta = Tensor::empty_like(gamma);
                  if (want[0]) dx = Tensor::empty_like(x);
                  Tensor partial = Tensor::empty({batch_norm_slabs(rows, C) + 1, 2, C},
                                                 mean.dtype(), mean.device());
                  dispatch("batch_norm", dy, [&]<class T>(auto& here) {
                    using A = acc_t<T>;
                    batch_norm_backward(here, activation, training, rows, x.read<T>(),
                                        gamma.read<T>(), mean.read<A>(), rstd.read<A>(),
                                        read_or_empty<T>(y), dy.read<T>(), write_or_empty<T>(dx),
                                        dgamma.write<T>(), dbeta.write<T>(), partial.write<A>());
                  });
                  return Grads{dx, dgamma, dbeta};
                });
}

Tensor layer_norm(const Tensor& x, const Tensor& gamma, const Tensor& beta, double eps) {
  check_scale_and_shift("layer_norm", x, gamma, beta);
  const int64_t rows = rows_of(x);
  Tensor y = Tensor::empty_like(x);
  Tensor mean = Tensor::empty({rows}, accumulator_dtype(x), x.device());
  Tensor rstd = Tensor::empty_like(mean);
  dispatch("layer_norm", x, [&]<class T>(auto& here) {
    using A = acc_t<T>;
    if (!x.size()) return;
    layer_norm_forward(here, rows, eps, x.read<T>(), gamma.read<T>(), beta.read<T>(), y.write<T>(),
                       mean.write<A>(), rstd.write<A>());
  });
  if (is_watched()) describe("layer_norm", {{"eps", {eps}}});
  return record("layer_norm", {x, gamma, beta}, y, save(x, gamma, mean, rstd),
                [rows](const Saved& s, const Tensor& dy, Want want) {
                  const Tensor &x = s[0], &gamma = s[1], &mean = s[2], &rstd = s[3];
                  if (!x.size()) return no_gradients(x, gamma);
                  const Onto dx(want, 0, x);
                  Tensor dgamma = Tensor::empty_like(gamma), dbeta = Tensor::empty_like(gamma);
                  const int64_t C = gamma.size();
                  Tensor partial =
                      Tensor::empty({batch_norm_slabs(rows, C), 2, C}, mean.dtype(), mean.device());
                  dispatch("layer_norm", dy, [&]<class T>(auto& here) {
                    using A = acc_t<T>;
                    layer_norm_backward(here, rows, dx.adds, x.read<T>(), gamma.read<T>(),
                                        mean.read<A>(), rstd.read<A>(), dy.read<T>(),
                                        write_or_empty<T>(dx.t), dgamma.write<T>(),
                                        dbeta.write<T>(), partial.write<A>());
                  });
                  return Grads{dx.t, dgamma, dbeta};
                });
}

Tensor rms_norm(const Tensor& x, const Tensor& gamma, double eps) {
  check_alike("rms_norm", {x, gamma});
  if (x.ndim() < 1 || gamma.shape() != Shape{x.dim(-1)})
    fail("rms_norm", "gamma is ", gamma.shape(), ", x is ", x.shape());
  const int64_t rows = rows_of(x);
  Tensor y = Tensor::empty_like(x);
  Tensor rstd = Tensor::empty({rows}, accumulator_dtype(x), x.device());
  dispatch("rms_norm", x, [&]<class T>(auto& here) {
    if (!x.size()) return;
    rms_norm_forward(here, rows, eps, x.read<T>(), gamma.read<T>(), y.write<T>(),
                     rstd.write<acc_t<T>>());
  });
  if (is_watched()) describe("rms_norm", {{"eps", {eps}}});
  return record(
      "rms_norm", {x, gamma}, y, save(x, gamma, rstd),
      [rows](const Saved& s, const Tensor& dy, Want want) {
        const Tensor &x = s[0], &gamma = s[1], &rstd = s[2];
        if (!x.size()) return Grads{Tensor::zeros_like(x), Tensor::zeros_like(gamma)};
        const Onto dx(want, 0, x);
        const int64_t C = gamma.size();
        Tensor dgamma = Tensor::empty_like(gamma);
        Tensor partial = Tensor::empty({batch_norm_slabs(rows, C), C}, rstd.dtype(), rstd.device());
        dispatch("rms_norm", dy, [&]<class T>(auto& here) {
          using A = acc_t<T>;
          rms_norm_backward(here, rows, dx.adds, x.read<T>(), gamma.read<T>(), rstd.read<A>(),
                            dy.read<T>(), write_or_empty<T>(dx.t), dgamma.write<T>(),
                            partial.write<A>());
        });
        return Grads{dx.t, dgamma};
      });
}

Tensor group_norm(const Tensor& x, int64_t groups, const Tensor& gamma, const Tensor& beta,
                  double eps) {
  check_scale_and_shift("group_norm", x, gamma, beta);
  const int64_t C = x.dim(-1);
  if (x.ndim() < 2 || groups < 1 || C % groups)
    fail("group_norm", groups, " groups of ", x.shape());
  const GroupShape shape = {x.dim(0), x.shape().product(1, x.ndim() - 1), C, groups};
  Tensor y = Tensor::empty_like(x);
  Tensor mean = Tensor::empty({x.dim(0), C}, accumulator_dtype(x), x.device());
  Tensor rstd = Tensor::empty_like(mean);
  dispatch("group_norm", x, [&]<class T>(auto& here) {
    using A = acc_t<T>;
    if (!x.size()) return;
    Tensor partial = Tensor::empty({shape.slabs(), 2, C}, mean.dtype(), x.device());
    group_norm_forward(here, shape, eps, x.read<T>(), gamma.read<T>(), beta.read<T>(), y.write<T>(),
                       mean.write<A>(), rstd.write<A>(), partial.write<A>());
  });
  if (is_watched()) describe("group_norm", {{"groups", {double(groups)}}, {"eps", {eps}}});
  return record("group_norm", {x, gamma, beta}, y, save(x, gamma, mean, rstd),
                [shape](const Saved& s, const Tensor& dy, Want want) {
                  const Tensor &x = s[0], &gamma = s[1], &mean = s[2], &rstd = s[3];
                  if (!x.size()) return no_gradients(x, gamma);
                  Tensor dx, dgamma = Tensor::empty_like(gamma), dbeta = Tensor::empty_like(gamma);
                  if (want[0]) dx = Tensor::empty_like(x);
                  Tensor partial = Tensor::empty({shape.slabs() + shape.samples, 2, shape.channels},
                                                 mean.dtype(), mean.device());
                  dispatch("group_norm", dy, [&]<class T>(auto& here) {
                    using A = acc_t<T>;
                    group_norm_backward(here, shape, x.read<T>(), gamma.read<T>(), mean.read<A>(),
                                        rstd.read<A>(), dy.read<T>(), write_or_empty<T>(dx),
                                        dgamma.write<T>(), dbeta.write<T>(), partial.write<A>());
                  });
                  return Grads{dx, dgamma, dbeta};
                });
}

Tensor instance_norm(const Tensor& x, const Tensor& gamma, const Tensor& beta, double eps) {
  if (x.ndim() < 2) fail("instance_norm", "x is ", x.shape(), ", not (N, ..., C)");
  if (gamma.defined() != beta.defined()) fail("instance_norm", "needs gamma and beta, or neither");
  if (gamma.defined()) return group_norm(x, x.dim(-1), gamma, beta, eps);
  const Shape channels = {x.dim(-1)};
  return group_norm(x, x.dim(-1), Tensor::full(channels, 1, x.dtype(), x.device()),
                    Tensor::zeros(channels, x.dtype(), x.device()), eps);
}

}  // namespace tweed
