// A training run: what apps/train_miniplaces does once its flags are read. Trainer computes; this
// prints, saves, resumes, and stops at Ctrl-C.
#pragma once
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "apps/app.h"
#include "apps/run_config.h"
#include "apps/run_folder.h"
#include "apps/run_log.h"
#include "apps/saved_run.h"
#include "record/checkpoint.h"
#include "train/outcomes.h"
#include "train/robust_history.h"
#include "train/trainer.h"

namespace tweed::app {

struct TrainingOptions {
  TrainerOptions trainer{.epochs = 60, .warmup = 5};
  std::vector<std::string> freeze;    ///< patterns of parameters that are not trained
  int print_every = 10;               ///< iterations
  int64_t save_every = 0;             ///< iterations between states within an epoch; 0: none
  int64_t keep = 0;                   ///< states of the last so many epochs
  bool watch = false;                 ///< every result is looked at for NaN and infinity
  int64_t robust_images = 0;          ///< validation images attacked after each epoch
  int64_t patience = 0;               ///< epochs without a better validation; 0: any number
  std::shared_ptr<RunFolder> folder;  ///< for what the run leaves behind
  std::vector<std::string> command;   ///< as typed, without the program's name
  bool profile = false;               ///< traces a step first, layer by layer
  bool overwrites = false;            ///< what another run has left there
  WeightsAs weights_as = WeightsAs::they_are;  ///< in best and last
  FlagValues flags;                            ///< kept in the state, for a run that goes on
};

/// What an epoch came to.
struct EpochScores {
  Score train, val;
  std::optional<Score> robust;  ///< of some validation images under attack
};

/// One run. last.state.safetensors in its folder holds everything that goes on: weights, the
/// optimizer, so that a resumed run ends with the same bits as an uninterrupted one. It is there
/// from the beginning, and each epoch writes it last, so that a run killed at any time goes on from
/// it. The states of the best epoch, and with --keep of the last ones, stay beside it.
class Training {
 public:
  Training(const TrainingOptions& options, const CheckpointInfo& info, ModulePtr network,
           DataSplits data);

  /// Takes up where the saved run left off.
  /// @throws FormatError  if it does not fit this one
  void resume(const SavedRun& saved);
  const DataSplits& data() const { return data_; }
  bool done() const { return trainer_.done() || stopped_early(); }
  /// "epoch 3", or "epoch 3 after 20 iterations": where it begins.
  std::string start() const;
  /// Trains to the end. Returns the exit code: 0, or 130 after Ctrl-C.
  /// @throws Error  if the loss or the weights are no longer finite; the files stay as they were
  int run();

 private:
  void begin();
  void take_files_along();
  int go_on();
  void say_finished() const;
  bool train_epoch();
  int stop();
  [[noreturn]] void fail_diverged(const std::string& what);
  std::string cause_of_divergence();
  void open_log();
  void profile();
  void note_step();
  void log_steps();
  std::vector<LayerSizes> layer_sizes();
  void log_epoch(const EpochScores& scores, double seconds);
  void show_live();
  bool pages_due(bool last) const;
  void write_pages(bool with_answers);
  void close_log(const char* status);
  bool finish_epoch();
  EvaluateOptions validation_of(const char* doing);
  void save_epoch(const EpochScores& scores, double seconds);
  bool note_robust(const EpochScores& scores);
  void save_epoch_state(bool is_best, bool is_best_robust);
  void save_state(const char* name = run_file::state);
  void save_within_epoch();
  void save_weights(const char* name);
  void drop_states(int64_t first, int64_t after);
  void drop_later_files();
  void keep_only_of_here(int64_t epoch, const char* weights, const char* state);
  bool stopped_early() const;
  bool stopping() const;
  bool leads() const { return !options_.trainer.group || options_.trainer.group->leads(); }
  void follow_leader();
  std::string early_end() const;  ///< why it ends before its last epoch
  void check_same(const std::string& state, const nlohmann::json& run,
                  const CheckpointInfo& before) const;
  void show_progress();
  void print_epoch(const EpochScores& scores, double seconds);
  void summary(double seconds);
  void say_robust() const;
  std::string path(const std::string& name) const { return options_.folder->path() + "/" + name; }
  const Position& position() const { return trainer_.position(); }

  TrainingOptions options_;
  CheckpointInfo info_;
  Device device_;
  DataSplits data_;
  Trainer trainer_;
  double first_gradient_ = 0, last_gradient_ = 0;  // of the last step; see StepResult
  double best_ = -1;
  int64_t best_epoch_ = 0;
  Dataset robust_images_;  // that are attacked after each epoch
  RobustHistory robust_;
  std::string resumed_from_;   // folder; empty for a new run
  bool from_earlier_ = false;  // from the state of an epoch that the run there has left behind
  int64_t epochs_before_ = 0;  // done when it was resumed
  bool saved_ = false;         // the state has more than a new network
  double epoch_started_ = 0, last_shown_ = 0;
  double trained_ = 0, waited_ = 0;  // seconds of all epochs, and of those for images
  int64_t epoch_images_ = 0;
  ProgressLine progress_;
  bool header_shown_ = false;
  std::unique_ptr<RunLog> log_;
  std::unique_ptr<RunConfig> config_;
  std::vector<double> step_times_;  // when each step was done that is not logged yet
  double log_read_ = 0;             // when the log was read last
  std::vector<Outcome> outcomes_;   // of the last validation
  Tensor watched_;                  // images whose activations are measured
  double pages_written_ = 0, pages_took_ = 0, live_written_ = 0, live_took_ = 0;
};

}  // namespace tweed::app
