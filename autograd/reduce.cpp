#include "autograd/reduce.h"

#include <numeric>

#include "autograd/describe.h"
#include "autograd/dispatch.h"
#include "autograd/elementwise.h"
#include "kernels/reduce.h"

namespace tweed {
namespace {

using Axes = uint32_t;  // a bit per axis: plain, so that a recorded lambda may capture it

Axes axes_of(const char* op, const Tensor& x, const std::vector<int>& axes) {
  Axes bits = 0;
  for (int axis : axes) {
    const int i = axis < 0 ? axis + x.ndim() : axis;
    if (i < 0 || i >= x.ndim()) fail(op, "axis ", axis, " of ", x.shape());
    if (bits >> i & 1) fail(op, "axis ", axis, " of ", x.shape(), " is given twice");
    bits |= Axes(1) << i;
  }
  return bits;
}
Axes all_axes(const Tensor& x) { return (Axes(1) << x.ndim()) - 1; }

Shape without(const Shape& shape, Axes axes, bool keep) {
  Shape result;
  for (int i = 0; i < shape.ndim(); ++i)
    if (!(axes >> i & 1))
      result.append(shape[i]);
    else if (keep)
      result.append(1);
  return result;
}

// Calls f(view, first, last) for each run [first, last) of neighbouring axes in `axes`.
template <class F>
void for_each_run(const Shape& shape, Axes axes, F f) {
  for (int first = 0, last; first < shape.ndim(); first = last + 1) {
    for (last = first; last < shape.ndim() && axes >> last & 1;) ++last;
    if (last > first) f(first, last);
  }
}

Reduction view_of(const Shape& shape, int first, int last) {
  return {shape.product(0, first), shape.product(first, last), shape.product(last, shape.ndim())};
}

// Folds run after run; the axes stay, with size 1.
Tensor fold_axes(const char* op, Fold f, const Tensor& x, Axes axes, double divisor = 1) {
  if (!axes && f == Fold::sum_of_squares) return scale(mul(x, x), 1 / divisor);
  // Several roundings to bfloat16 would add up.
  int runs = 0;
  for_each_run(x.shape(), axes, [&](int, int) { ++runs; });
  if (runs > 1 && x.dtype() == DType::bfloat16)
    return fold_axes(op, f, x.to(DType::float32), axes, divisor).to(DType::bfloat16);
  Tensor result = x;
  for_each_run(x.shape(), axes, [&](int first, int last) {
    const Reduction view = view_of(result.shape(), first, last);
    Shape shape = result.shape();
    for (int i = first; i < last; ++i) shape.set(i, 1);
    Tensor y = Tensor::empty(shape, x.dtype(), x.device());
    Tensor scratch = Tensor::empty({view.scratch()}, accumulator_dtype(x), x.device());
    const double by = --runs ? 1 : divisor;
    dispatch(op, x, [&]<class T>(auto& here) {
      fold(here, f, view, by, result.read<T>(), y.write<T>(), scratch.write<acc_t<T>>());
    });
    result = y;
    if (f == Fold::sum_of_squares) f = Fold::sum;
  });
  return result;
}

// x, aligned at its last axes, repeated to `shape` and divided.
Tensor repeat_to(const char* op, const Tensor& x, const Shape& shape, double divisor) {
  Shape aligned;
  for (int i = x.ndim(); i < shape.ndim(); ++i) aligned.append(1);
  for (int64_t n : x.shape()) aligned.append(n);
  Axes repeated = 0;
  for (int i = 0; i < shape.ndim() && aligned.ndim() == shape.ndim(); ++i)
    if (aligned[i] != shape[i]) repeated |= Axes(aligned[i] == 1) << i;
  Shape reached = aligned;
  for (int i = 0; i < shape.ndim() && aligned.ndim() == shape.ndim(); ++i)
    if (repeated >> i & 1) reached.set(i, shape[i]);
  if (reached != shape) fail(op, x.shape(), " to ", shape);

  Tensor result = x.detach().reshape(aligned);
  for_each_run(shape, repeated, [&](int first, int last) {
    Shape next = result.shape();
    for (int i = first; i < last; ++i) next.set(i, shape[i]);
    Tensor y = Tensor::empty(next, x.dtype(), x.device());
    dispatch(op, x, [&]<class T>(auto& here) {
      repeat(here, view_of(next, first, last), divisor, result.read<T>(), y.write<T>());
    });
    result = y;
    divisor = 1;
  });
  return result;
}

int64_t count_of(const Shape& shape, Axes axes) {
  int64_t count = 1;
  for (int i = 0; i < shape.ndim(); ++i)
    if (axes >> i & 1) count *= shape[i];
  return count;
}

Tensor reduce(const char* op, const Tensor& x, Axes axes, bool keep_axes, bool is_mean) {
  const Shape shape = x.shape(), kept = without(shape, axes, true);
  const double divisor = is_mean ? double(count_of(shape, axes)) : 1;
  Tensor y = fold_axes(op, Fold::sum, x.detach(), axes, divisor);
  if (is_watched()) describe(op, {{"axes", {double(axes)}}, {"keep", {double(keep_axes)}}});
  return record(op, {x}, y.reshape(without(shape, axes, keep_axes)), {},
                [=](const Saved&, const Tensor& dy, Want) {
                  return Grads{repeat_to(op, dy.reshape(kept), shape, divisor)};
                });
}

Tensor extreme(const char* op, Fold f, const Tensor& x, Axes axes, bool keep_axes) {
  if (count_of(x.shape(), axes) == 0) fail(op, "no elements over the axes of ", x.shape());
  const Shape kept = without(x.shape(), axes, true);
  Tensor y = fold_axes(op, f, x.detach(), axes);
  return record(op, {x}, y.reshape(without(x.shape(), axes, keep_axes)), save(x, y),
                [=](const Saved& s, const Tensor& dy, Want) {
                  const Tensor won = equal(s[0], s[1]).to(dy.dtype());
                  const Tensor winners = fold_axes(op, Fold::sum, won, axes);
                  return Grads{mul(won, div(dy.reshape(kept), winners))};
                });
}

Tensor variance(const char* op, const Tensor& x, Axes axes, bool keep_axes, int64_t correction) {
  const Shape kept = without(x.shape(), axes, true);
  const DType dtype = x.dtype(), wide = accumulator_dtype(x);  // a rounded mean would cost digits
  const int64_t count = count_of(x.shape(), axes);
  const double divisor = double(count > correction ? count - correction : 0);
  const Tensor values = x.detach().to(wide);
  // The corrected two-pass algorithm: the mean of a long sum of large numbers is off by rounding,
  // and the mean of the deviations from it tells by how much.
  const Tensor rough = fold_axes(op, Fold::sum, values, axes, double(count));
  const Tensor mean = add(rough, fold_axes(op, Fold::sum, sub(values, rough), axes, double(count)));
  const Tensor y = fold_axes(op, Fold::sum_of_squares, sub(values, mean), axes, divisor);
  return record(op, {x}, y.to(dtype).reshape(without(x.shape(), axes, keep_axes)), save(x, mean),
                [=](const Saved& s, const Tensor& dy, Want) {
                  const Tensor slope = scale(dy.to(wide).reshape(kept), 2 / divisor);
                  return Grads{mul(sub(s[0].to(wide), s[1]), slope).to(dtype)};
                });
}

Tensor euclidean(const char* op, const Tensor& x, Axes axes, bool keep_axes) {
  const Shape kept = without(x.shape(), axes, true);
  const Tensor values = x.detach().to(accumulator_dtype(x));
  // Divided by the largest absolute value, as in BLAS's nrm2, the squares can neither overflow nor
  // all underflow. The clamp is for a largest value of 0 or infinity, where 0 / 0 and inf / inf
  // would be NaN.
  const bool wide = values.dtype() == DType::float64;
  const Tensor largest = axes ? fold_axes(op, Fold::max_abs, values, axes) : abs(values);
  const Tensor unit = clamp(largest, wide ? 1e-307 : 2e-38, wide ? 1e307 : 1e38);
  const Tensor squares = fold_axes(op, Fold::sum_of_squares, div(values, unit), axes);
  const Tensor y = mul(unit, sqrt(squares)).to(x.dtype());
  return record(op, {x}, y.reshape(without(x.shape(), axes, keep_axes)), save(x, y),
                [=](const Saved& s, const Tensor& dy, Want) {
                  const Tensor &x = s[0], &y = s[1];
                  // Where y is 0, x is 0 as well, and 0 / 1 gives the gradient 0 instead of NaN. x
                  // is divided first, since dy / y may be infinite.
                  const Tensor one_at_0 = equal(y, 0).to(y.dtype());
                  return Grads{mul(div(x, add(y, one_at_0)), dy.reshape(kept))};
                });
}

}  // namespace

Tensor sum(const Tensor& x) { return reduce("sum", x, all_axes(x), false, false); }
Tensor sum(const Tensor& x, const std::vector<int>& axes, bool keep_axes) {
  return reduce("sum", x, axes_of("sum", x, axes), keep_axes, false);
}
Tensor mean(const Tensor& x) { return reduce("mean", x, all_axes(x), false, true); }
Tensor mean(const Tensor& x, const std::vector<int>& axes, bool keep_axes) {
  return reduce("mean", x, axes_of("mean", x, axes), keep_axes, true);
}

Tensor max(const Tensor& x) { return extreme("max", Fold::max, x, all_axes(x), false); }
Tensor max(const Tensor& x, const std::vector<int>& axes, bool keep_axes) {
  return extreme("max", Fold::max, x, axes_of("max", x, axes), keep_axes);
}
Tensor min(const Tensor& x) { return extreme("min", Fold::min, x, all_axes(x), false); }
Tensor min(const Tensor& x, const std::vector<int>& axes, bool keep_axes) {
  return extreme("min", Fold::min, x, axes_of("min", x, axes), keep_axes);
}

Tensor var(const Tensor& x, const std::vector<int>& axes, bool keep_axes, int64_t correction) {
  return variance("var", x, axes_of("var", x, axes), keep_axes, correction);
}

Tensor norm_l1(const Tensor& x) { return sum(abs(x)); }
Tensor norm_l1(const Tensor& x, const std::vector<int>& axes, bool keep_axes) {
  return sum(abs(x), axes, keep_axes);
}
Tensor norm_l2(const Tensor& x) { return euclidean("norm_l2", x, all_axes(x), false); }
Tensor norm_l2(const Tensor& x, const std::vector<int>& axes, bool keep_axes) {
  return euclidean("norm_l2", x, axes_of("norm_l2", x, axes), keep_axes);
}
Tensor norm_linf(const Tensor& x) { return max(abs(x)); }
Tensor norm_linf(const Tensor& x, const std::vector<int>& axes, bool keep_axes) {
  return max(abs(x), axes, keep_axes);
}

Tensor expand(const Tensor& x, const Shape& shape) {
  const Shape from = x.shape();
  return record("expand", {x}, repeat_to("expand", x, shape, 1), {},
                [=](const Saved&, const Tensor& dy, Want) { return Grads{sum_to(dy, from)}; });
}

Tensor sum_to(const Tensor& x, const Shape& shape) {
  if (x.shape() == shape) return x;
  const int added = x.ndim() - shape.ndim();
  Axes axes = 0;
  for (int i = 0; i < x.ndim(); ++i) axes |= Axes(i < added || shape[i - added] != x.dim(i)) << i;
  NoGrad no_grad;
  return fold_axes("sum_to", Fold::sum, x.detach(), axes).reshape(shape);
}

}  // namespace tweed
