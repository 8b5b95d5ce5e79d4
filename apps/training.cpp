#include "apps/training.h"

#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "apps/app.h"
#include "apps/flags.h"

namespace tweed::app {

static TrainerOptions with_log(TrainerOptions options) {
  options.log_steps = true;
  return options;
}

Training::Training(const TrainingOptions& options, const CheckpointInfo& info, ModulePtr network,
                   DataSplits data)
    : options_(options),
      info_(info),
      device_(network->device()),
      data_(std::move(data)),
      trainer_(std::move(network), data_.train, with_log(options.trainer)),
      robust_images_(balanced(data_.validation, options.robust_images)) {
  // A later version may have others by default.
  options_.flags.try_emplace("--lr", 1, nlohmann::json(trainer_.optimizer().lr()).dump());
  options_.flags.try_emplace("--momentum", 1,
                             nlohmann::json(first_momentum(options.trainer)).dump());
}

int Training::run() {
  try {
    return go_on();
  } catch (const Diverged& e) {
    const std::string cause = options_.watch ? "" : cause_of_divergence();
    fail_diverged(e.what() + (cause.empty() ? "" : ": " + cause));
  }
}

// Goes through the steps since the last state once more, to the same bits, and looks at every
// result.
std::string Training::cause_of_divergence() {
  constexpr double longest = 300;  // seconds since the epoch began; looking takes a few times that
  progress_.clear();
  if (options_.trainer.group) return "--resume and --watch-nan in one process name the operation";
  if (now() - epoch_started_ > longest) return "--resume and --watch-nan name the operation";
  const Position end = position();
  resume(load_run(path(run_file::state)));
  trainer_.watch(true);
  say("No longer finite. Looking for the operation that made it so, from %s on ...\n",
      start().c_str());
  std::fflush(stdout);
  try {
    while (!interrupted() && position().iteration <= end.iteration && trainer_.step())
      progress_.update("Looking", position().iteration, end.iteration,
                       counted(position().iteration, "iteration"));
    if (!interrupted()) trainer_.evaluate(data_.validation, evaluation_of(info_, 0));
  } catch (const Diverged& e) {
    progress_.clear();
    return e.what();
  }
  progress_.clear();
  return "";
}

int Training::go_on() {
  const double started = now();
  reset_peak_memory(device_);
  trainer_.watch(options_.watch);
  const bool nothing_new = from_earlier_ && !options_.overwrites;
  if (!done() || !nothing_new) begin();
  if (done()) {
    say_finished();
    return 0;
  }
  if (options_.profile && leads()) profile();
  while (!done()) {
    if (!train_epoch() || !finish_epoch()) return stop();
  }
  if (!trainer_.done()) say("\nStopped: %s.\n", early_end().c_str());
  close_log("finished");
  summary(now() - started);
  return 0;
}

void Training::say_finished() const {
  const TrainerOptions& o = options_.trainer;
  const bool steps = o.iterations > 0;
  if (!trainer_.done())
    say("This run is finished (%s); --patience with a larger number, or 0, goes on.\n",
        early_end().c_str());
  else
    say("This run is finished (%s); --%s with a larger number goes on.\n",
        steps ? counted(o.iterations, "iteration").c_str() : counted(o.epochs, "epoch").c_str(),
        steps ? "iterations" : "epochs");
}

bool Training::stopped_early() const {
  return options_.patience > 0 && position().iteration == 0 && best_epoch_ > 0 &&
         position().epoch - best_epoch_ >= options_.patience;
}

std::string Training::early_end() const {
  return counted(position().epoch - best_epoch_, "epoch") +
         " without a better validation than epoch " + std::to_string(best_epoch_) + "'s";
}

// After Ctrl-C, in any of several processes.
bool Training::stopping() const {
  const auto& group = options_.trainer.group;
  return group ? group->any(interrupted()) : interrupted();
}

// After Ctrl-C: keeps the position within the epoch.
int Training::stop() {
  progress_.clear();
  trainer_.score();
  trainer_.check_finite();
  log_steps();
  save_state();
  if (position().epoch == 0) save_weights(run_file::last);
  close_log("stopped");
  say("Stopped in epoch %ld after %s, saved; go on with --resume %s\n", long(position().epoch + 1),
      counted(position().iteration, "iteration").c_str(), printable(path(run_file::last)).c_str());
  return 130;
}

// False after Ctrl-C; the step that it came in is finished.
bool Training::train_epoch() {
  epoch_started_ = now();
  epoch_images_ = 0;
  log_read_ = epoch_started_;
  while (!stopping() && trainer_.step()) {
    epoch_images_ += options_.trainer.batch_size;
    note_step();
    show_progress();
    const int64_t i = position().iteration;
    if (options_.save_every > 0 && i % options_.save_every == 0 &&
        i < trainer_.iterations_of_epoch())
      save_within_epoch();
  }
  trainer_.score();
  trained_ += now() - epoch_started_;
  waited_ += trainer_.waited();
  log_steps();
  return !stopping();
}

// A state of nothing but a new network is not worth keeping.
void Training::fail_diverged(const std::string& what) {
  const std::string state = path(run_file::state);
  std::error_code none;
  if (saved_) {
    close_log("failed");
  } else {
    log_.reset();
    if (!leads()) throw Error(what);
    remove_followers(options_.folder->path());
    for (auto& file : {state, path(run_file::config)}) std::filesystem::remove(file, none);
  }
  throw Error(what + "; a smaller --lr or --clip-grad helps. " +
              (saved_ ? "What was saved before stays: " + printable(state)
                      : std::string("No epoch was finished, so nothing is saved.")));
}

}  // namespace tweed::app
