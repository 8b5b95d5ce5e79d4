// How naive and implicit reach their kernels.
#pragma once
#include "autograd/dispatch.h"

namespace tweed {

/// Calls f<T>(here) for t's dtype and device, which is `cuda` or `sim`.
template <class F>
void on_gpu(const Tensor& t, F f) {
  with_floating(t.dtype(), "conv2d", [&]<class T>() {
    on<Cuda, Sim>(t.device(), [&](auto& here) { f.template operator()<T>(here); });
  });
}

}  // namespace tweed
