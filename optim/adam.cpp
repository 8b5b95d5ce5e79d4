#include "optim/adam.h"

#include "autograd/dispatch.h"
#include "kernels/optimizer.h"

namespace tweed {

void Adam::update(const Part& p) {
  const AdamRule rule{p.lr,
                      options_.beta1,
                      options_.beta2,
                      options_.eps,
                      options_.weight_decay * p.weight_decay,
                      options_.decoupled};
  dispatch("adam", p.values, [&]<class T>(auto& here) {
    adam_step(here, rule, p.step, p.grads.read<T>(), p.kept[0].write<T>(), p.kept[1].write<T>(),
              p.values.write<T>());
  });
}

}  // namespace tweed
