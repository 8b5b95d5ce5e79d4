#include "train/options.h"

#include "optim/adam.h"
#include "optim/lion.h"
#include "optim/muon.h"
#include "optim/rmsprop.h"
#include "optim/sgd.h"

namespace tweed {
namespace {

using Made = std::unique_ptr<Optimizer>;

// What an optimizer takes where the options say nothing, and how it is made with all of it.
struct OptimizerKind {
  double lr, momentum, weight_decay;
  Made (*make)(const TrainerOptions&, const OptimizerKind&, ParameterBuffer&);

  double lr_of(const TrainerOptions& o) const { return o.lr.value_or(lr); }
  double momentum_of(const TrainerOptions& o) const { return o.momentum.value_or(momentum); }
  double decay_of(const TrainerOptions& o) const { return o.weight_decay.value_or(weight_decay); }
};

Made make_sgd(const TrainerOptions& o, const OptimizerKind& k, ParameterBuffer& p) {
  return std::make_unique<SGD>(p, SGD::Options{.lr = k.lr_of(o),
                                               .momentum = k.momentum_of(o),
                                               .weight_decay = k.decay_of(o),
                                               .nesterov = o.nesterov,
                                               .dampening = o.dampening.value_or(0)});
}
Made make_adam(const TrainerOptions& o, const OptimizerKind& k, ParameterBuffer& p) {
  return std::make_unique<Adam>(p, Adam::Options{.lr = k.lr_of(o),
                                                 .weight_decay = k.decay_of(o),
                                                 .beta1 = k.momentum_of(o),
                                                 .beta2 = o.beta2.value_or(0.999),
                                                 .eps = o.eps.value_or(1e-8),
                                                 .decoupled = o.optimizer == "adamw"});
}
Made make_rmsprop(const TrainerOptions& o, const OptimizerKind& k, ParameterBuffer& p) {
  return std::make_unique<RMSprop>(p, RMSprop::Options{.lr = k.lr_of(o),
                                                       .alpha = o.alpha.value_or(0.99),
                                                       .eps = o.eps.value_or(1e-8),
                                                       .weight_decay = k.decay_of(o),
                                                       .momentum = k.momentum_of(o),
                                                       .centered = o.centered});
}
Made make_lion(const TrainerOptions& o, const OptimizerKind& k, ParameterBuffer& p) {
  return std::make_unique<Lion>(p, Lion::Options{.lr = k.lr_of(o),
                                                 .weight_decay = k.decay_of(o),
                                                 .beta1 = k.momentum_of(o),
                                                 .beta2 = o.beta2.value_or(0.99)});
}
Made make_muon(const TrainerOptions& o, const OptimizerKind& k, ParameterBuffer& p) {
  Muon::Options options{.lr = k.lr_of(o),
                        .weight_decay = k.decay_of(o),
                        .momentum = k.momentum_of(o),
                        .beta2 = o.beta2.value_or(0.95),
                        .eps = o.eps.value_or(1e-10)};
  if (o.adam_lr) options.adam_rate = *o.adam_lr / options.lr;
  if (!o.head.empty()) options.by_adam.push_back(o.head + ".*");
  return std::make_unique<Muon>(p, options);
}

// Names in the order in which help shows them.
const std::pair<const char*, OptimizerKind> optimizer_kinds[] = {
    {"sgd", {0.1, 0.9, 1e-4, make_sgd}},      {"adam", {0.001, 0.9, 0, make_adam}},
    {"adamw", {0.001, 0.9, 0.01, make_adam}}, {"rmsprop", {0.01, 0, 0, make_rmsprop}},
    {"lion", {1e-4, 0.9, 0.1, make_lion}},    {"muon", {0.02, 0.95, 0.01, make_muon}}};

const OptimizerKind& kind_of_optimizer(const TrainerOptions& o) {
  std::string known;
  for (auto& [name, kind] : optimizer_kinds) {
    if (o.optimizer == name) return kind;
    known += (known.empty() ? "" : ", ") + std::string(name);
  }
  throw Error("[train] there is no optimizer " + in_quotes(o.optimizer) + "; there are " + known);
}

double largest_rate(const TrainerOptions& o) { return kind_of_optimizer(o).lr_of(o); }

}  // namespace

std::vector<std::string> optimizer_names() {
  std::vector<std::string> names;
  for (auto& [name, kind] : optimizer_kinds) names.emplace_back(name);
  return names;
}

double first_momentum(const TrainerOptions& o) { return kind_of_optimizer(o).momentum_of(o); }

std::vector<ParameterRule> rules_of(const TrainerOptions& o) {
  std::vector<ParameterRule> rules;
  if (o.no_decay_norms) rules.push_back(no_decay_of_vectors);
  if (o.head_lr) rules.push_back({.pattern = o.head + ".*", .lr = *o.head_lr / largest_rate(o)});
  return rules;
}

std::unique_ptr<Optimizer> make_optimizer(const TrainerOptions& o, ParameterBuffer& parameters) {
  const OptimizerKind& kind = kind_of_optimizer(o);
  return kind.make(o, kind, parameters);
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
