// Training a network on a dataset: what apps/train_miniplaces does once its flags are read.
#pragma once
#include <memory>
#include <optional>
#include <string>

#include "apps/app.h"
#include "apps/optimizer_flags.h"
#include "apps/run_folder.h"
#include "apps/saved_run.h"
#include "apps/score.h"
#include "attacks/pgd.h"
#include "data/feed.h"
#include "optim/ema.h"
#include "record/checkpoint.h"
#include "tensor/replay.h"

namespace tweed::app {

struct TrainingOptions {
  int epochs = 60;
  int64_t iterations = 0;  ///< if set, this many steps instead of whole epochs
  int64_t batch_size = 64;
  OptimizerFlags optimizer;
  uint64_t seed = 0;
  int workers = 2;
  Augmentation augmentation;
  int print_every = 10;               ///< iterations
  std::shared_ptr<RunFolder> folder;  ///< for what the run leaves behind
  FlagValues flags;                   ///< kept in the state, for a run that goes on
  /// Trains on attacked images if set.
  std::optional<PgdOptions> adversarial;
  DType compute = DType::float32;  ///< bfloat16: with float32 master weights
  Residence residence = Residence::automatic;
  bool record_steps = true;  ///< as a CUDA graph; see Replay
};

/// Loss and accuracy on a dataset.
/// @param mirrored  averages the logits of each image and its mirror image
/// @param attack    if set, images are attacked first
/// After Ctrl-C it returns early, with the score of fewer images.
Score evaluate(Module& network, const Dataset& data, const LoaderOptions& options, Device device,
               bool mirrored, const PgdOptions* attack = nullptr);

/// One run. last.state.safetensors in its folder holds everything that goes on: weights, the
/// optimizer, so that a resumed run ends with the same bits as an uninterrupted one. It is there
/// from the beginning, and each epoch writes it last, so that a run killed at any time goes on from
/// it.
class Training {
 public:
  Training(const TrainingOptions& options, const CheckpointInfo& info, ModulePtr network,
           Device device, const Dataset& train, const Dataset& validation);

  /// Takes up where the saved run left off.
  /// @throws FormatError  if it does not fit this one
  void resume(const SavedRun& saved);
  bool done() const { return position_.epoch >= options_.epochs; }
  /// "epoch 3", or "epoch 3 after 20 iterations": where it begins.
  std::string start() const;
  /// Trains to the end. Returns the exit code: 0, or 130 after Ctrl-C.
  /// @throws Error  if the loss or the weights are no longer finite; the files stay as they were
  int run();

 private:
  struct Position {
    int64_t epoch = 0;                             // whole epochs done
    int64_t iteration = 0;                         // within the epoch
    Score score;                                   // of this epoch when it was last read
    double first_gradient = 0, last_gradient = 0;  // see note_gradients()
  };
  void begin();
  void take_files_along();
  bool train_epoch();
  int stop();
  void step();
  void device_step();
  void forward_and_backward(const Tensor& images, const Tensor& labels, uint32_t part);
  void read_score();
  void check_finite() const;
  [[noreturn]] void fail_diverged(const std::string& what) const;
  void note_gradients();
  bool finish_epoch();
  void save_epoch(const Score& train, const Score& val);
  void save_state();
  void show_progress();
  void summary(double seconds) const;
  std::string path(const std::string& name) const { return options_.folder->path() + "/" + name; }
  int64_t iterations_per_epoch() const;
  /// Of the epoch under way: the last may be a part.
  int64_t iterations_of_epoch() const;

  TrainingOptions options_;
  CheckpointInfo info_;
  ModulePtr network_;
  Device device_;
  const Dataset& train_;
  const Dataset& validation_;
  ParameterBuffer parameters_;
  std::unique_ptr<Optimizer> optimizer_;
  std::unique_ptr<Ema> ema_;          // null without
  std::unique_ptr<Pgd> adversarial_;  // null without
  Feed feed_;
  RunningScore running_;  // of this epoch so far
  Tensor clock_;          // the iteration times the parts of a batch, for random numbers
  Replay replay_;         // device_step()
  int64_t total_ = 0;     // iterations of the whole run
  Schedule rate_, momentum_;
  Position position_;
  double best_ = -1;
  std::string resumed_from_;   // folder; empty for a new run
  int64_t epochs_before_ = 0;  // done when it was resumed
  bool saved_ = false;         // the state has more than a new network
  double epoch_started_ = 0, last_shown_ = 0;
  int64_t epoch_images_ = 0;
  ProgressLine progress_;
};

}  // namespace tweed::app
