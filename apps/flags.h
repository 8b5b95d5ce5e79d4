// Flags that several apps share.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "apps/app.h"
#include "attacks/pgd.h"
#include "data/dataset.h"
#include "record/checkpoint.h"
#include "train/calibration.h"
#include "train/evaluate.h"

namespace tweed::app {

/// DATA and how it is read.
struct DataFlags {
  std::string data = "tiny", classes;
  std::vector<std::string> class_names;  // a network's; empty: `classes` says
  int64_t limit = 0;                     // --limit is for training alone
  int64_t validation_images = 0;         // of pgd_attack's --images; 0: all
  bool all_validation = false;           // of --validation DATA
  bool pack = false;
  std::string pack_folder;
  bool any_names = false;                          // a network's classes have no names: DATA says
  int image_size = 0, load_size = 0, workers = 2;  // sizes: 0 is what DATA suggests
  uint64_t seed = 0;

  /// @param seed_of  what --seed is for, in --help
  void add_to(CLI::App& flags, const std::string& seed_of);
  bool given() const { return data_option_->count() > 0; }
  /// Takes image size and classes from a checkpoint where no flag says otherwise.
  /// @throws Error  for sizes that do not go together
  void match(const CheckpointInfo& info);
  /// Takes them in any case.
  void use(const CheckpointInfo& info);
  /// Pixels of a side that the network will see. Reads no image. @throws FormatError  if there is
  /// no such data
  int size_seen() const;
  /// Reads the data with a progress bar, says what was taken, and names damaged images on stderr.
  DataSplits open(Splits splits) const;
  /// Where the network's classes have no names they get the data's, in that order.
  /// @throws Error  if the data's classes are not the network's
  void settle_classes(CheckpointInfo& info, const Dataset& data) const;

 private:
  CLI::Option *data_option_ = nullptr, *size_option_ = nullptr, *classes_option_ = nullptr;
};

/// --attack-method, --attack-eps, --attack-step, ...
struct AttackFlags {
  std::string method = "pgd", space = "pixel", goal = "label", norm = "linf";
  /// Several, after commas, where `lists` says so; none: what goes with the norm and the method.
  std::vector<double> eps;
  std::vector<int> steps;
  std::vector<std::string> eps_texts;  // as they were given
  std::optional<double> step;          ///< unset: a quarter of eps, or so that the steps reach it
  double momentum = 0;
  std::optional<double> confidence;
  int restarts = 1, draws = 1;
  bool no_random_start = false, coursework = false, lists = false;

  /// @param momentum_name  of --attack-momentum; training has a --momentum of its own
  void add_to(CLI::App& flags, const std::string& momentum_name = "--attack-momentum,--momentum");
  /// @throws Error  for values that do not go together
  void check() const;
  /// @throws Error  for a goal that the network has not
  PgdOptions options(const CheckpointInfo& info, uint64_t seed) const;
  /// The same with one of several eps, and one of several steps.
  PgdOptions options(const CheckpointInfo& info, uint64_t seed, double eps, int steps) const;
  double last_eps() const;
  int last_steps() const;

 private:
  void add_sizes_to(CLI::App& flags);
  void read_goal(PgdOptions& options, const CheckpointInfo& info) const;

  CLI::Option* norm_option_ = nullptr;
};

/// The same, to be stopped by Ctrl-C between steps: for attacks whose result is then thrown away.
PgdOptions interruptible(PgdOptions options);

/// The attack of that name for an evaluation: recorded where it may be.
Attack attack_of(const std::string& name, const PgdOptions& options, Device device);
/// "PGD: raising the loss of the label, Linf, 10 steps"; of an attack that may not go further than
/// eps how far, too.
std::string attack_text(const std::string& name, const PgdOptions& options,
                        const CheckpointInfo& info);
/// "0.0314 in pixels of 0..1, 0.137 0.140 0.139 as the network sees them"
std::string spaces_text(const PgdOptions& options, const CheckpointInfo& info);
/// evaluate() with a bar on a terminal.
Score evaluate_shown(Module& network, const Dataset& data, EvaluateOptions options);
/// How a checkpoint's network sees images; stops at Ctrl-C.
EvaluateOptions evaluation_of(const CheckpointInfo& info, int workers);
/// "top-1 97.60 %  top-5 99.80 %  loss 0.0712  (1000 images of 64x64)"
std::string text(const Score& score, int image_size);
/// The same with "  calibration error 1.23 %" behind the loss.
std::string text(const Score& score, const Calibration& calibration, int image_size);
/// The options given that `is_meant` picks: "--epochs, --lr", or "".
std::string given(const CLI::App& flags, const std::function<bool(const CLI::Option&)>& is_meant);
/// Says on stderr that what `flags` (as given() lists them) say is not used; nothing if empty.
void note_unused(const std::string& flags, const std::string& why);
/// Tries one image of `info`'s size. Returns the number of classes that the network tells apart.
/// @throws Error  if the network cannot take it, naming the layer
int64_t check_image_size(Module& network, const CheckpointInfo& info);
/// Opens the validation images for a checkpoint's network, moves that to the device, and lets it
/// see the images at the size that they were opened for, as flags may ask for another than it was
/// trained on. @throws Error  if it cannot, or the classes are others
DataSplits open_validation(const DataFlags& data, Checkpoint& checkpoint, Device device);
/// "32x32"
std::string size_text(const CheckpointInfo& info);
/// "cpu with 2 threads"
std::string device_text(Device device);

}  // namespace tweed::app
