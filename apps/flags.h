// Flags that several apps share.
#pragma once
#include <string>
#include <vector>

#include "apps/app.h"
#include "attacks/pgd.h"
#include "data/dataset.h"
#include "data/loader.h"
#include "record/checkpoint.h"

namespace tweed::app {

/// DATA and how it is read.
struct DataFlags {
  std::string data = "tiny", classes;
  std::vector<std::string> class_names;  // a network's; empty: `classes` says
  int64_t limit = 0;
  int image_size = 0, load_size = 0, workers = 2;  // sizes: 0 is what DATA suggests
  uint64_t seed = 0;

  void add_to(CLI::App& flags);
  /// Takes image size and classes from a checkpoint where no flag says otherwise.
  void match(const CheckpointInfo& info);
  /// Takes them in any case.
  void use(const CheckpointInfo& info);
  /// Reads the data with a progress bar, says what was taken, and names damaged images on stderr.
  DataSplits open(Splits splits) const;
  /// @throws Error  if the data's classes are not the network's
  void check_classes(const CheckpointInfo& info, const Dataset& data) const;

 private:
  CLI::Option *size_option_ = nullptr, *classes_option_ = nullptr;
};

/// --attack-eps, --attack-step, ...
struct AttackFlags {
  std::string eps = "8/255", step, space = "pixel", goal = "label";
  int steps = 10;
  bool no_random_start = false;

  void add_to(CLI::App& flags);
  PgdOptions options(const CheckpointInfo& info, uint64_t seed) const;
};

LoaderOptions validation_loader(const CheckpointInfo& info, int workers);
/// "cpu with 2 threads"
std::string device_text(Device device);

}  // namespace tweed::app
