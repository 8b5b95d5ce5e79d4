// config.json: what a run is, where it ran, and what it took.
#pragma once
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "apps/run_flags.h"
#include "tensor/device.h"

namespace tweed::app {

/// What does not change while a run goes on.
struct RunFacts {
  std::vector<std::string> command;  ///< as typed, without the program's name
  FlagValues flags;
  std::string model, data;
  int64_t parameters = 0, classes = 0, training_images = 0, validation_images = 0;
  int image_size = 0;
  uint64_t seed = 0;
  Device device;
};

/// Every command that a run was begun or gone on by, the flags that hold now, and what it took of
/// time and memory until now.
class RunConfig {
 public:
  /// @param before  config.json of the run that goes on; "" for a new one
  /// @param epochs  done before; what is known of later ones is forgotten
  RunConfig(const std::string& path, const RunFacts& facts, const std::string& before,
            int64_t epochs);
  ~RunConfig();

  /// Seconds that an epoch took, validation included.
  void add_epoch(double seconds);
  /// @param status   "running", "finished", "stopped", or "failed": the loss is no longer finite
  /// @param partial  seconds of an epoch that is not done
  void write(const char* status, double partial = 0);

 private:
  std::string path_;
  Device device_;
  bool written_ = false;       // within a run it need not outlive a loss of power
  double partial_before_ = 0;  // of the epoch that the run before was stopped in
  std::unique_ptr<nlohmann::ordered_json> config_;
};

/// "2026-11-26T14:23:18Z", of now.
std::string utc_now();

}  // namespace tweed::app
