#include "apps/optimizer_flags.h"

#include <nlohmann/json.hpp>

#include "apps/flags.h"
#include "apps/numbers.h"
#include "optim/adam.h"
#include "optim/sgd.h"

namespace tweed::app {

void OptimizerFlags::add_to(CLI::App& flags) {
  flags
      .add_option("--optimizer", optimizer,
                  "sgd (with momentum), adam, or adamw (decay apart from gradients)")
      ->check(CLI::IsMember({"sgd", "adam", "adamw"}))
      ->capture_default_str();
  add_number(flags, "--lr,--learning-rate", lr, above_zero,
             "largest learning rate; default: 0.1, for adam and adamw 0.001");
  momentum_option_ =
      add_number(flags, "--momentum", momentum, below_one, "beta1 of adam and adamw");
  flags.add_flag("--nesterov", nesterov, "Nesterov's momentum, for sgd");
  add_number(flags, "--wd,--weight-decay", weight_decay, {},
             "default: 0.0001 for sgd, 0 for adam, 0.01 for adamw");
  flags.add_flag("--no-decay-norms", no_decay_norms,
                 "no weight decay on biases and on the scales of norms");
  flags
      .add_option("--schedule", schedule,
                  "of the learning rate, each iteration: cosine, step (a tenth after each third), "
                  "onecycle (up for 30 % without --warmup, then down; the momentum goes the other "
                  "way), constant")
      ->check(CLI::IsMember({"cosine", "step", "onecycle", "constant"}))
      ->capture_default_str();
  warmup_option_ = add_number(flags, "--warmup", warmup, {.most = 100'000},
                              "epochs in which the learning rate rises from 0");
  add_number(flags, "--clip-grad", clip_grad, {}, "largest norm of all gradients together; 0: any");
  add_whole(flags, "--accumulate", accumulate, {1, 65536},
            "parts in which a batch goes through the network, to need less memory");
  add_number(flags, "--ema", ema, below_one,
             "decay of a moving average of the weights, such as 0.999, which is evaluated and "
             "written instead of them; 0: none");
  flags
      .add_option("--freeze", freeze,
                  "parameters that are not trained: a pattern of names such as 'conv1.*'; may be "
                  "given several times")
      ->type_name("PATTERN")
      ->take_all()
      ->allow_extra_args(false);
}

void OptimizerFlags::check(int64_t batch_size) const {
  if (nesterov && optimizer != "sgd") throw Error("--nesterov belongs to --optimizer sgd");
  if (batch_size % accumulate != 0)
    throw Error("--accumulate " + std::to_string(accumulate) + " does not divide the batch of " +
                std::to_string(batch_size));
}

void OptimizerFlags::note_unused() const {
  if (schedule != "onecycle") return;
  for (const CLI::Option* option : {warmup_option_, momentum_option_})
    if (option && option->count())
      app::note_unused(option->get_name(), "with --schedule onecycle, which has a way of its own");
}

double OptimizerFlags::largest_rate() const {
  return lr.value_or(optimizer == "sgd" ? 0.1 : 0.001);
}

std::vector<ParameterRule> OptimizerFlags::rules() const {
  if (no_decay_norms) return {no_decay_of_vectors};
  return {};
}

std::unique_ptr<Optimizer> OptimizerFlags::make(ParameterBuffer& parameters) const {
  const double rate = largest_rate();
  if (optimizer == "sgd")
    return std::make_unique<SGD>(
        parameters, SGD::Options{rate, momentum, weight_decay.value_or(1e-4), nesterov});
  const bool decoupled = optimizer == "adamw";
  return std::make_unique<Adam>(
      parameters, Adam::Options{.lr = rate,
                                .weight_decay = weight_decay.value_or(decoupled ? 0.01 : 0),
                                .beta1 = momentum,
                                .decoupled = decoupled});
}

Schedule OptimizerFlags::rate(int64_t total, int64_t warmup) const {
  const double lr = largest_rate();
  const int64_t rest = total - warmup;
  if (schedule == "onecycle") return one_cycle({.lr = lr, .total = total});
  if (schedule == "step") return warm_up(warmup, multi_step(lr, {rest / 3, 2 * rest / 3}));
  if (schedule == "constant") return warm_up(warmup, constant(lr));
  return warm_up(warmup, cosine(lr, rest, 1e-8));
}

Schedule OptimizerFlags::momentum_over(int64_t total) const {
  if (schedule == "onecycle") return one_cycle_momentum({.total = total});
  return {};
}

nlohmann::json OptimizerFlags::state_kind() const {
  return {{"optimizer", optimizer}, {"ema", ema}, {"freeze", freeze}, {"accumulate", accumulate}};
}

}  // namespace tweed::app
