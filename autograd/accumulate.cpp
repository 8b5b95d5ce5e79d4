#include "autograd/checks.h"
#include "autograd/dispatch.h"
#include "kernels/elementwise.h"

namespace tweed {

void accumulate(const Tensor& y, const Tensor& x) {
  check_fits("accumulate", "x", x, "y", y);
  if (y.dtype() == DType::float16) {
    const Tensor sum = y.to(DType::float32);
    accumulate(sum, x.to(DType::float32));
    return y.copy_from(sum);
  }
  with_floating(y.dtype(), "accumulate", [&]<class T>() {
    on(y.device(), [&](auto& here) { axpy(here, 1.0, x.read<T>(), y.write<T>()); });
  });
  y.changed();
}

}  // namespace tweed
