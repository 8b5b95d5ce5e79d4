#include "optim/rmsprop.h"

#include "optim/arguments.h"

namespace tweed {

static std::vector<std::string> kinds_of(const RMSprop::Options& options) {
  std::vector<std::string> kinds{"square_avg", "momentum_buffer"};
  if (options.centered) kinds.push_back("grad_avg");
  return kinds;
}

RMSprop::RMSprop(const Optimized& parameters, const Options& options)
    : Optimizer(parameters, options.lr, kinds_of(options)), options_(options) {
  set_momentum(options.momentum);
  check_argument("rmsprop", "alpha", options.alpha, options.alpha >= 0 && options.alpha <= 1,
                 "from 0 to 1");
  check_not_negative("rmsprop", "eps", options.eps);
  check_not_negative("rmsprop", "weight_decay", options.weight_decay);
}

void RMSprop::set_momentum(double momentum) {
  check_not_negative("rmsprop", "momentum", momentum);
  options_.momentum = momentum;
}

StepNumbers RMSprop::numbers(double lr, double weight_decay, int64_t /*step*/) const {
  return RmsPropRule{lr, options_.alpha, options_.eps, options_.weight_decay * weight_decay,
                     options_.momentum}
      .numbers();
}

void RMSprop::update(const Part& p) {
  with_types("rmsprop", p, [&]<class G, class T>(auto& here) {
    const Span<T> mean = options_.centered ? p.kept[2].write<T>() : Span<T>();
    rmsprop_step(here, p.numbers.read<double>(), p.grads.read<G>(), p.kept[0].write<T>(), mean,
                 p.kept[1].write<T>(), p.values.write<T>());
  });
}

}  // namespace tweed
