#include "optim/adam.h"

namespace tweed {

StepNumbers Adam::numbers(double lr, double weight_decay, int64_t step) const {
  return AdamRule{lr,
                  options_.beta1,
                  options_.beta2,
                  options_.eps,
                  options_.weight_decay * weight_decay,
                  options_.decoupled}
      .numbers(step);
}

void Adam::update(const Part& p) {
  with_types("adam", p, [&]<class G, class T>(auto& here) {
    adam_step(here, p.numbers.read<double>(), p.grads.read<G>(), p.kept[0].write<T>(),
              p.kept[1].write<T>(), p.values.write<T>());
  });
}

}  // namespace tweed
