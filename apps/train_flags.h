// The flags of train_miniplaces.
#pragma once
#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "apps/flags.h"
#include "apps/optimizer_flags.h"
#include "apps/training.h"

namespace tweed::app {

/// Training against attacks: what there is beside the attack itself.
struct DefenceFlags {
  std::string name;              // of --adversarial; empty: none
  std::optional<double> weight;  // unset: the defence's own

  /// They join the group that `flags` are in.
  void add_to(CLI::App& flags);
  /// Flags of the attack that training against it cannot have are refused, those that it has no use
  /// for noted. @throws Error
  void check(const CLI::App& flags, const AttackFlags& attack) const;
  /// Validation images that are attacked after each epoch.
  int64_t robust_images() const {
    return robust_option_->count() > 0 || !name.empty() ? robust_images_ : 0;
  }
  void fill(TrainerOptions& options, const AttackFlags& attack, const CheckpointInfo& info,
            uint64_t seed) const;
  /// The words of a new run, with what the defence suggests where no flag says otherwise.
  std::vector<std::string> with_steps(const CLI::App& flags,
                                      const std::vector<std::string>& words) const;

 private:
  int64_t robust_images_ = 500;
  CLI::Option* robust_option_ = nullptr;
};

struct TrainFlags {
  DataFlags data;
  DeviceFlags device;
  TrainingOptions training;
  OptimizerFlags optimizer{training.trainer, training.freeze};
  AttackFlags attack;
  DefenceFlags defence;
  std::string model = "simplenet", resume, conv = "auto", drawing;
  std::string augment = "mirror,crop", normalize = "imagenet", validation;
  std::string precision = "f32", images_on = "auto", out = "runs/train";
  std::string weights;  // to start from; empty: none
  std::string init;     // the scheme of initial weights; empty: the network's
  std::optional<Normalization> normalization;  // that these want, where --normalize is not given
  bool head_only = false, half_weights = false, find_lr = false, check_only = false;
  bool overwrite = false, evaluate = false, attacked = false, pictures = false, custom_conv = false,
       summary = false;
  std::shared_ptr<ProcessGroup> group;  // of processes that train together; null: there are none
  int64_t start_epoch = 0;
  bool saved_data = false;                  // DATA is that of the run that goes on
  std::vector<CLI::Option*> model_options;  // --model and its shorthands
  CLI::Option* out_option = nullptr;

  TrainFlags() = default;
  TrainFlags(const TrainFlags&) = delete;
  TrainFlags& operator=(const TrainFlags&) = delete;

  void add_to(CLI::App& app);
  /// Flags that contradict what is to be done are refused. -e and --summary are put behind commands
  /// that train, so what they have no use for is only noted. @throws Error
  void check_use(const CLI::App& app) const;

  bool out_given() const { return out_option->count() > 0; }
  bool model_given() const {
    return std::any_of(model_options.begin(), model_options.end(),
                       [](CLI::Option* o) { return o->count() > 0; });
  }

 private:
  void check_unattacked(const CLI::App& app) const;
  void add_model_flags(CLI::App& app);
  void add_task_flags(CLI::App& app);
  void add_training_flags(CLI::App& app);
  void add_computing_flags(CLI::App& app);
};

}  // namespace tweed::app
