#include "apps/optimizer_flags.h"

#include <algorithm>

#include "apps/flags.h"
#include "apps/numbers.h"

namespace tweed::app {

void OptimizerFlags::add_to(CLI::App& flags) {
  TrainerOptions& o = options;
  flags
      .add_option("--optimizer", o.optimizer,
                  "sgd (with momentum), adam, adamw (decay apart from gradients), rmsprop, lion "
                  "(steps by signs), or muon (orthogonalised steps of matrices and filters; adamw "
                  "for the rest and the last layer)")
      ->check(one_of(optimizer_names()))
      ->capture_default_str();
  add_number(flags, "--lr,--learning-rate", o.lr, above_zero,
             "largest learning rate; default: 0.1, for adam and adamw 0.001, rmsprop 0.01, lion "
             "0.0001, muon 0.02");
  add_number(flags, "--head-lr", o.head_lr, above_zero,
             "largest learning rate of the network's last layer; default: as --lr");
  add_number(flags, "--adam-lr", o.adam_lr, above_zero,
             "largest learning rate of what muon leaves to adamw; default: 0.015 times --lr");
  momentum_option =
      add_number(flags, "--momentum", o.momentum, below_one,
                 "beta1 of adam, adamw and lion; default: 0.9, for rmsprop 0, for muon 0.95");
  flags.add_flag("--nesterov", o.nesterov, "Nesterov's momentum, for sgd (muon has it)");
  add_number(flags, "--dampening", o.dampening, at_most_one,
             "of gradients on their way into sgd's momentum; default: 0");
  add_number(flags, "--beta2", o.beta2, below_one,
             "of adam, adamw, lion and muon; default: 0.999, for lion 0.99, for muon 0.95");
  add_number(flags, "--optimizer-eps", o.eps, {},
             "eps of adam, adamw, rmsprop and muon; default: 1e-8, for muon 1e-10");
  add_number(flags, "--alpha", o.alpha, at_most_one,
             "of rmsprop's averages of gradients; default: 0.99");
  flags.add_flag("--centered", o.centered, "rmsprop divides by the deviation, not the size");
  add_number(flags, "--wd,--weight-decay", o.weight_decay, {},
             "default: 0.0001 for sgd, 0 for adam and rmsprop, 0.01 for adamw and muon, 0.1 for "
             "lion");
  flags.add_flag("--no-decay-norms", o.no_decay_norms,
                 "no weight decay on biases and on the scales of norms");
  flags
      .add_option("--schedule", o.schedule,
                  "of the learning rate, each iteration: cosine, step (a tenth after each third), "
                  "onecycle (up for 30 % without --warmup, then down; the momentum goes the other "
                  "way), constant")
      ->check(one_of({"cosine", "step", "onecycle", "constant"}))
      ->capture_default_str();
  warmup_option = add_number(flags, "--warmup", o.warmup, {.most = 100'000},
                             "epochs in which the learning rate rises from 0");
  add_number(flags, "--clip-grad", o.clip_grad, {},
             "largest norm of all gradients together; 0: any");
  add_whole(flags, "--accumulate", o.accumulate, {1, 65536},
            "parts in which a batch goes through the network, to need less memory");
  add_number(flags, "--ema", o.ema, below_one,
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

namespace {

// Flags that some optimizers alone have a use for.
struct OwnFlag {
  const char* name;
  bool given;
  std::vector<std::string> optimizers;
};

void check_belongs(const OwnFlag& flag, const std::string& optimizer) {
  auto& names = flag.optimizers;
  if (flag.given && std::find(names.begin(), names.end(), optimizer) == names.end())
    throw Error(std::string(flag.name) + " belongs to --optimizer " + joined(names));
}

}  // namespace

void OptimizerFlags::check() const {
  const TrainerOptions& o = options;
  const OwnFlag own[] = {
      {"--nesterov", o.nesterov, {"sgd"}},
      {"--dampening", o.dampening.has_value(), {"sgd"}},
      {"--beta2", o.beta2.has_value(), {"adam", "adamw", "lion", "muon"}},
      {"--optimizer-eps", o.eps.has_value(), {"adam", "adamw", "rmsprop", "muon"}},
      {"--alpha", o.alpha.has_value(), {"rmsprop"}},
      {"--centered", o.centered, {"rmsprop"}},
      {"--adam-lr", o.adam_lr.has_value(), {"muon"}},
  };
  for (auto& flag : own) check_belongs(flag, o.optimizer);
  if (o.nesterov && o.dampening.value_or(0) > 0) throw Error("--nesterov goes without --dampening");
  if (o.batch_size % o.accumulate != 0)
    throw Error("--accumulate " + std::to_string(o.accumulate) + " does not divide the batch of " +
                std::to_string(o.batch_size));
}

void OptimizerFlags::note_unused() const {
  if (options.schedule != "onecycle") return;
  for (const CLI::Option* option : {warmup_option, momentum_option})
    if (option && option->count())
      app::note_unused(option->get_name(), "with --schedule onecycle, which has a way of its own");
}

}  // namespace tweed::app
