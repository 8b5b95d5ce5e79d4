#include "optim/sgd.h"

#include "optim/arguments.h"

namespace tweed {

SGD::SGD(const Optimized& parameters, const Options& options)
    : Optimizer(parameters, options.lr, {"velocity"}), options_(options) {
  set_momentum(options.momentum);
  check_not_negative("sgd", "weight_decay", options.weight_decay);
  const double dampening = options.dampening, most = options.nesterov ? 0 : 1;
  check_argument("sgd", "dampening", dampening, dampening >= 0 && dampening <= most,
                 most > 0 ? "from 0 to 1" : "0, which Nesterov's momentum needs");
}

void SGD::set_momentum(double momentum) {
  check_not_negative("sgd", "momentum", momentum);
  options_.momentum = momentum;
}

StepNumbers SGD::numbers(double lr, double weight_decay, int64_t step) const {
  const double fresh = step > 1 && options_.momentum > 0 ? 1 - options_.dampening : 1;
  return Sgd{lr, options_.momentum, options_.weight_decay * weight_decay, fresh}.numbers();
}

void SGD::update(const Part& p) {
  with_types("sgd", p, [&]<class G, class T>(auto& here) {
    sgd_step(here, options_.nesterov, p.numbers.read<double>(), p.grads.read<G>(),
             p.kept[0].write<T>(), p.values.write<T>());
  });
}

}  // namespace tweed
