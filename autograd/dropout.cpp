#include "autograd/dropout.h"

#include "autograd/dispatch.h"
#include "autograd/elementwise.h"
#include "kernels/dropout.h"

namespace tweed {
namespace {

// y = dropout of x, or of ones if x is undefined.
void drop(const Tensor& x, double p, const RandomKey& key, const Tensor& clock, const Tensor& y) {
  const ClockedKey clocked(key, clock.defined() ? clock.read<int32_t>() : Span<const int32_t>());
  dispatch("dropout", y, [&]<class T>(auto& here) {
    dropout(here, clocked, p, read_or_empty<T>(x), y.write<T>());
  });
}
Tensor drop(const Tensor& x, double p, const RandomKey& key, const Tensor& clock) {
  const Tensor y = Tensor::empty_like(x);
  drop(x, p, key, clock, y);
  return y;
}

// x times a mask that is the same along the axes from 1 to `last` - 1.
Tensor drop_along(const Tensor& x, int last, double p, const RandomKey& key, const Tensor& clock) {
  Shape shape = x.shape();
  for (int i = 1; i < last; ++i) shape.set(i, 1);
  const Tensor mask = Tensor::empty(shape, x.dtype(), x.device());
  drop({}, p, key, clock, mask);
  return mul(x, mask);
}

Tensor recorded_drop(const char* op, const Tensor& x, int last, double p, const RandomKey& key,
                     const Tensor& clock) {
  auto back = [=](const Saved& s, const Tensor& dy, Want) {
    return Grads{drop_along(dy, last, p, key, s[0])};
  };
  return record(op, {x}, drop_along(x.detach(), last, p, key, clock), save(clock), back);
}

void check_probability(const char* op, double p) {
  if (!(p >= 0 && p <= 1)) fail(op, "p is ", p, ", not in [0, 1]");
}

}  // namespace

Tensor dropout(const Tensor& x, double p, const RandomKey& key, bool training,
               const Tensor& clock) {
  check_probability("dropout", p);
  if (!training || p == 0) return x;
  return record(
      "dropout", {x}, drop(x, p, key, clock), save(clock),
      [=](const Saved& s, const Tensor& dy, Want) { return Grads{drop(dy, p, key, s[0])}; });
}

Tensor dropout2d(const Tensor& x, double p, const RandomKey& key, bool training,
                 const Tensor& clock) {
  check_probability("dropout2d", p);
  if (x.ndim() < 2) fail("dropout2d", "needs (N, ..., C), x is ", x.shape());
  if (!training || p == 0) return x;
  return recorded_drop("dropout2d", x, x.ndim() - 1, p, key, clock);
}

Tensor drop_path(const Tensor& x, double p, const RandomKey& key, bool training,
                 const Tensor& clock) {
  check_probability("drop_path", p);
  if (x.ndim() < 1) fail("drop_path", "x has no axes");
  if (!training || p == 0) return x;
  return recorded_drop("drop_path", x, x.ndim(), p, key, clock);
}

}  // namespace tweed
