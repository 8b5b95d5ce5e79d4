#include "apps/training.h"

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "apps/app.h"

namespace tweed::app {

static double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

Training::Training(const TrainingOptions& options, const CheckpointInfo& info, ModulePtr network,
                   DataSplits data)
    : options_(options),
      info_(info),
      device_(network->device()),
      data_(std::move(data)),
      trainer_(std::move(network), data_.train, options.trainer) {
  // A later version may have another rate by default.
  options_.flags.try_emplace("--lr", 1, nlohmann::json(trainer_.optimizer().lr()).dump());
}

int Training::run() {
  try {
    return go_on();
  } catch (const Diverged& e) {
    fail_diverged(e.what());
  }
}

int Training::go_on() {
  const double started = now();
  reset_peak_memory(device_);
  begin();
  if (done()) {
    const TrainerOptions& o = options_.trainer;
    const bool steps = o.iterations > 0;
    say("This run is finished (%s); --%s with a larger number goes on.\n",
        steps ? counted(o.iterations, "iteration").c_str() : counted(o.epochs, "epoch").c_str(),
        steps ? "iterations" : "epochs");
    return 0;
  }
  while (!done()) {
    if (!train_epoch() || !finish_epoch()) return stop();
  }
  summary(now() - started);
  return 0;
}

// After Ctrl-C: keeps the position within the epoch.
int Training::stop() {
  progress_.clear();
  trainer_.score();
  trainer_.check_finite();
  save_state();
  if (position().epoch == 0) {
    const WeightsToKeep weights(trainer_);
    save_checkpoint(path(run_file::last), trainer_.network(), info_);
  }
  say("Stopped in epoch %ld after %s, saved; go on with --resume %s\n", long(position().epoch + 1),
      counted(position().iteration, "iteration").c_str(), printable(path(run_file::last)).c_str());
  return 130;
}

// False after Ctrl-C; the step that it came in is finished.
bool Training::train_epoch() {
  epoch_started_ = now();
  epoch_images_ = 0;
  while (!interrupted() && trainer_.step()) {
    epoch_images_ += options_.trainer.batch_size;
    show_progress();
  }
  trainer_.score();
  if (epoch_images_ > 0) note_gradients();
  return !interrupted();
}

// A state of nothing but a new network is not worth keeping.
void Training::fail_diverged(const std::string& what) const {
  const std::string state = path(run_file::state);
  std::error_code none;
  if (!saved_)
    for (auto& file : {state, path(run_file::config)}) std::filesystem::remove(file, none);
  throw Error(what + "; a smaller --lr or --clip-grad helps. " +
              (saved_ ? "What was saved before stays: " + printable(state)
                      : std::string("No epoch was finished, so nothing is saved.")));
}

}  // namespace tweed::app
