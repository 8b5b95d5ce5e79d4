#include "optim/sgd.h"

namespace tweed {

StepNumbers SGD::numbers(double lr, double weight_decay, int64_t /*step*/) const {
  return Sgd{lr, options_.momentum, options_.weight_decay * weight_decay}.numbers();
}

void SGD::update(const Part& p) {
  with_types("sgd", p, [&]<class G, class T>(auto& here) {
    sgd_step(here, options_.nesterov, p.numbers.read<double>(), p.grads.read<G>(),
             p.kept[0].write<T>(), p.values.write<T>());
  });
}

}  // namespace tweed
