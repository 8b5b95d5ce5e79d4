#include "optim/lion.h"

#include "optim/arguments.h"

namespace tweed {

Lion::Lion(const Optimized& parameters, const Options& options)
    : Optimizer(parameters, options.lr, {"exp_avg"}), options_(options) {
  set_momentum(options.beta1);
  check_below_1("lion", "beta2", options.beta2);
  check_not_negative("lion", "weight_decay", options.weight_decay);
}

void Lion::set_momentum(double beta1) {
  check_below_1("lion", "beta1", beta1);
  options_.beta1 = beta1;
}

StepNumbers Lion::numbers(double lr, double weight_decay, int64_t /*step*/) const {
  return LionRule{lr, options_.beta1, options_.beta2, options_.weight_decay * weight_decay}
      .numbers();
}

void Lion::update(const Part& p) {
  with_types("lion", p, [&]<class G, class T>(auto& here) {
    lion_step(here, p.numbers.read<double>(), p.grads.read<G>(), p.kept[0].write<T>(),
              p.values.write<T>());
  });
}

}  // namespace tweed
