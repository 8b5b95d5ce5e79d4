// What the losses of autograd/loss.h have in common.
#pragma once
#include "autograd/dispatch.h"
#include "autograd/elementwise.h"
#include "autograd/loss.h"
#include "autograd/reduce.h"
#include "kernels/machine/trace_notes.h"

namespace tweed {

/// A trace counts the sum within a loss to the loss.
template <class F>
Tensor as_part(F f) {
  const trace::Parts parts;
  return f();
}

/// `losses` brought together, in `dtype`. @param divisor  () for the mean; undefined: their number
inline Tensor reduced(const Tensor& losses, Reduce reduce, DType dtype,
                      const Tensor& divisor = {}) {
  return as_part([&] {
    if (reduce == Reduce::none) return losses.to(dtype);
    if (reduce == Reduce::mean && !divisor.defined()) return mean(losses).to(dtype);
    const Tensor total = sum(losses);
    return (reduce == Reduce::mean ? div(total, divisor) : total).to(dtype);
  });
}
/// What a loss of n rows or elements is divided by, but for a divisor on the device.
inline double count_of(Reduce reduce, int64_t n, bool has_divisor = false) {
  return reduce == Reduce::mean && !has_divisor ? double(n) : 1;
}

}  // namespace tweed
