#include "optim/adam.h"

#include "optim/arguments.h"

namespace tweed {

Adam::Adam(const Optimized& parameters, const Options& options)
    : Optimizer(parameters, options.lr, {"exp_avg", "exp_avg_sq"}), options_(options) {
  set_momentum(options.beta1);
  check_below_1("adam", "beta2", options.beta2);
  check_not_negative("adam", "eps", options.eps);
  check_not_negative("adam", "weight_decay", options.weight_decay);
}

void Adam::set_momentum(double beta1) {
  check_below_1("adam", "beta1", beta1);
  options_.beta1 = beta1;
}

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
