#include "optim/sgd.h"

#include "autograd/dispatch.h"
#include "kernels/optimizer.h"

namespace tweed {

void SGD::update(const Part& p) {
  const Sgd rule{p.lr, options_.momentum, options_.weight_decay * p.weight_decay,
                 options_.nesterov};
  dispatch("sgd", p.values, [&]<class T>(auto& here) {
    sgd_step(here, rule, p.grads.read<T>(), p.kept[0].write<T>(), p.values.write<T>());
  });
}

}  // namespace tweed
