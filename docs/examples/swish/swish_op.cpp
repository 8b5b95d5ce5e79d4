#include "swish_op.h"

#include "autograd/dispatch.h"
#include "swish.h"

namespace tweed {

Tensor swish(const Tensor& x) {
  Tensor y = Tensor::empty_like(x);
  dispatch("swish", x,
           [&]<class T>(auto& here) { swish_forward(here, x.read<T>(), y.write<T>()); });
  return record("swish", {x}, y, save(x), [](const Saved& saved, const Tensor& dy, Want) {
    Tensor dx = Tensor::empty_like(dy);
    dispatch("swish", dy, [&]<class T>(auto& here) {
      swish_backward(here, saved[0].read<T>(), dy.read<T>(), dx.write<T>());
    });
    return Grads{dx};
  });
}

}  // namespace tweed
