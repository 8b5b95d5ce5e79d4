#include "apps/optimizer_flags.h"

#include "apps/flags.h"
#include "apps/numbers.h"

namespace tweed::app {

void OptimizerFlags::add_to(CLI::App& flags) {
  TrainerOptions& o = options;
  flags
      .add_option("--optimizer", o.optimizer,
                  "sgd (with momentum), adam, or adamw (decay apart from gradients)")
      ->check(one_of({"sgd", "adam", "adamw"}))
      ->capture_default_str();
  add_number(flags, "--lr,--learning-rate", o.lr, above_zero,
             "largest learning rate; default: 0.1, for adam and adamw 0.001");
  add_number(flags, "--head-lr", o.head_lr, above_zero,
             "largest learning rate of the network's last layer; default: as --lr");
  momentum_option =
      add_number(flags, "--momentum", o.momentum, below_one, "beta1 of adam and adamw");
  flags.add_flag("--nesterov", o.nesterov, "Nesterov's momentum, for sgd");
  add_number(flags, "--wd,--weight-decay", o.weight_decay, {},
             "default: 0.0001 for sgd, 0 for adam, 0.01 for adamw");
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

void OptimizerFlags::check() const {
  const TrainerOptions& o = options;
  if (o.nesterov && o.optimizer != "sgd") throw Error("--nesterov belongs to --optimizer sgd");
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
