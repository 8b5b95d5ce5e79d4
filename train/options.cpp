#include "train/options.h"

#include "optim/adam.h"
#include "optim/sgd.h"

namespace tweed {

static double largest_rate(const TrainerOptions& o) {
  return o.lr.value_or(o.optimizer == "sgd" ? 0.1 : 0.001);
}

std::vector<ParameterRule> rules_of(const TrainerOptions& o) {
  std::vector<ParameterRule> rules;
  if (o.no_decay_norms) rules.push_back(no_decay_of_vectors);
  if (o.head_lr) rules.push_back({.pattern = o.head + ".*", .lr = *o.head_lr / largest_rate(o)});
  return rules;
}

std::unique_ptr<Optimizer> make_optimizer(const TrainerOptions& o, ParameterBuffer& parameters) {
  if (o.optimizer == "sgd")
    return std::make_unique<SGD>(
        parameters,
        SGD::Options{largest_rate(o), o.momentum, o.weight_decay.value_or(1e-4), o.nesterov});
  const bool decoupled = o.optimizer == "adamw";
  if (!decoupled && o.optimizer != "adam")
    throw Error("[train] there is no optimizer " + in_quotes(o.optimizer) +
                "; there are sgd, adam, adamw");
  return std::make_unique<Adam>(
      parameters, Adam::Options{.lr = largest_rate(o),
                                .weight_decay = o.weight_decay.value_or(decoupled ? 0.01 : 0),
                                .beta1 = o.momentum,
                                .decoupled = decoupled});
}

Schedule learning_rate(const TrainerOptions& o, int64_t total, int64_t warmup) {
  const double lr = largest_rate(o);
  const int64_t rest = total - warmup;
  if (o.schedule == "onecycle") return one_cycle({.lr = lr, .total = total});
  if (o.schedule == "step") return warm_up(warmup, multi_step(lr, {rest / 3, 2 * rest / 3}));
  if (o.schedule == "constant") return warm_up(warmup, constant(lr));
  if (o.schedule == "cosine") return warm_up(warmup, cosine(lr, rest, 1e-8));
  throw Error("[train] there is no schedule " + in_quotes(o.schedule) +
              "; there are cosine, step, onecycle, constant");
}

Schedule momentum_of(const TrainerOptions& o, int64_t total) {
  if (o.schedule == "onecycle") return one_cycle_momentum({.total = total});
  return {};
}

}  // namespace tweed
