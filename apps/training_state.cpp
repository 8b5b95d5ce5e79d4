// What Training goes on from: its state file, and the folder that agrees with it.
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "apps/training.h"
#include "autograd/conv.h"
#include "autograd/reduce.h"
#include "data/parse_json.h"
#include "record/metrics.h"

namespace tweed::app {

static std::string text_of(const Augmentation& a) {
  return std::string(a.mirror ? "mirror " : "") + (a.crop ? "crop " : "") + "pad " +
         std::to_string(a.pad);
}

// Everything that goes on in one file: were the weights in another, a crash between the two writes
// would leave a pair that does not belong together.
void Training::save_state() {
  const MasterWeights masters(parameters_);
  SafeTensors file;
  auto add = [&](const std::string& prefix, const std::vector<Named>& tensors) {
    for (auto& [name, t] : tensors) file.tensors[prefix + name] = to_file_axes(t);
  };
  add("model.", network_->state());
  add("optimizer.", optimizer_->state());
  if (ema_) add("ema.", ema_->state());
  nlohmann::json position{{"epoch", position_.epoch},
                          {"iteration", position_.iteration},
                          {"loss", position_.score.loss},
                          {"top1", position_.score.top1},
                          {"top5", position_.score.top5},
                          {"count", position_.score.count},
                          {"first_gradient", position_.first_gradient},
                          {"last_gradient", position_.last_gradient},
                          {"best", best_}};
  nlohmann::json run{{"seed", options_.seed},
                     {"batch_size", options_.batch_size},
                     {"samples", train_.size()},
                     {"augmentation", text_of(options_.augmentation)},
                     {"epochs", options_.epochs},
                     {"model", info_.model},
                     {"optimizer", options_.optimizer.state_kind()}};
  info_.epoch = position_.epoch;
  file.metadata = metadata_of(info_);
  file.metadata["position"] = position.dump();
  file.metadata["run"] = run.dump();
  // A path may be no UTF-8.
  file.metadata["flags"] =
      nlohmann::json(options_.flags).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  write_safetensors(path(run_file::state), file);
}

// A number from a file that may be anybody's.
static int64_t whole(const nlohmann::json& number, int64_t most) {
  if (!number.is_number_integer() || number < 0 || number > most)
    throw Error("its position " + printable(number.dump()) + " is not from 0 to " +
                std::to_string(most));
  return number;
}

static double finite(const nlohmann::json& number) {
  const double value = number;
  if (!std::isfinite(value)) throw Error("its position is not finite");
  return value;
}

void Training::resume(const SavedRun& saved) {
  constexpr int deepest = 3;  // objects of plain values
  constexpr int64_t most_steps = int64_t(1) << 53;
  const std::string& state = saved.path;
  const SafeTensors& file = saved.file;
  auto part = [&](const char* prefix, const std::vector<Named>& into) {
    load_tensors(state, {with_prefix(file, prefix), {}}, into);
  };
  nlohmann::json run, at;
  try {
    run = parse_json(state, file.metadata.at("run"), deepest);
    at = parse_json(state, file.metadata.at("position"), deepest);
    auto same = [&](const char* what, auto ours) {
      if (run.at(what) != nlohmann::json(ours))
        throw FormatError(state, std::string("was written with ") + what + " " +
                                     run.at(what).dump() + ", not " + nlohmann::json(ours).dump() +
                                     "; a resumed run needs the same");
    };
    auto same_size = [&](const CheckpointInfo& before) {
      if (before.image_size != info_.image_size || before.load_size != info_.load_size)
        throw FormatError(state, "was written with images of " + std::to_string(before.image_size) +
                                     " cut from " + std::to_string(before.load_size) + ", not " +
                                     std::to_string(info_.image_size) + " from " +
                                     std::to_string(info_.load_size) +
                                     "; a resumed run needs the same");
    };
    same("model", info_.model);
    same("seed", options_.seed);
    same("batch_size", options_.batch_size);
    same("samples", train_.size());
    same_size(saved.checkpoint.info);
    same("augmentation", text_of(options_.augmentation));
    same("optimizer", options_.optimizer.state_kind());
    position_.epoch = whole(at.at("epoch"), 1'000'000);
    position_.iteration = whole(at.at("iteration"), iterations_per_epoch());
    position_.score = {finite(at.at("loss")), finite(at.at("top1")), finite(at.at("top5")),
                       whole(at.at("count"), most_steps)};
    position_.first_gradient = finite(at.at("first_gradient"));
    position_.last_gradient = finite(at.at("last_gradient"));
    best_ = finite(at.at("best"));
  } catch (const FormatError&) {
    throw;
  } catch (const std::exception&) {
    throw FormatError(state, "is no training state: what it says of the run cannot be read");
  }
  {
    const MasterWeights masters(parameters_);
    part("model.", network_->state());
  }
  part("optimizer.", optimizer_->state());
  if (ema_) part("ema.", ema_->state());
  parameters_.changed();
  info_.top1 = saved.checkpoint.info.top1;
  info_.top5 = saved.checkpoint.info.top5;
  resumed_from_ = saved.folder;
  epochs_before_ = position_.epoch;
  saved_ = position_.epoch > 0 || position_.iteration > 0;
}

std::string Training::start() const {
  return "epoch " + std::to_string(position_.epoch + 1) +
         (position_.iteration ? " after " + counted(position_.iteration, "iteration") : "");
}

// From here on the folder holds this run and no other. The state makes it so in one step; the other
// files of a run that was here before go after it, so that a kill in between leaves them to the
// next start.
void Training::begin() {
  if (!saved_) {
    save_state();
    for (auto name : {run_file::best, run_file::last, run_file::metrics, run_file::curves,
                      run_file::saliency, run_file::attack})
      std::filesystem::remove(path(name));
  } else if (!same_folder(resumed_from_, options_.folder->path())) {
    take_files_along();
    save_state();
  }
  if (!std::filesystem::exists(path(run_file::best))) best_ = -1;     // the next epoch's shall be
  if (saved_) MetricsFile(path(run_file::metrics), position_.epoch);  // drops later epochs
}

// A run that goes on elsewhere: what it has left where it was goes along.
void Training::take_files_along() {
  namespace fs = std::filesystem;
  for (auto name :
       {run_file::state, run_file::best, run_file::last, run_file::metrics, run_file::curves}) {
    fs::remove(path(name));
    const std::string before = resumed_from_ + "/" + name;
    if (name != run_file::state && fs::exists(before)) fs::copy_file(before, path(name));
  }
}

// The loss tells of the weights before a step; here are those after it, with everything else that
// would be saved.
void Training::check_finite() const {
  const NoGrad no_grad;
  const MasterWeights masters(parameters_);
  auto check = [&](const std::vector<Named>& tensors) {
    for (auto& [name, t] : tensors)
      if (is_floating(t.dtype()) && t.size() > 0 && !std::isfinite(norm_linf(t).item()))
        fail_diverged("the weights are");
  };
  check(network_->state());
  check(optimizer_->state());
  if (ema_) check(ema_->state());
}

// Which convolutions to suspect: " (convolutions: direct, winograd)".
static std::string used_convolutions() {
  std::string names;
  for (auto& name : conv_algorithms_used()) names += (names.empty() ? "" : ", ") + name;
  return names.empty() ? "" : " (convolutions: " + names + ")";
}

// A state of nothing but a new network is not worth keeping.
void Training::fail_diverged(const std::string& what) const {
  const std::string state = path(run_file::state);
  std::error_code none;
  if (!saved_) std::filesystem::remove(state, none);
  throw Error(what + " no longer finite in epoch " + std::to_string(position_.epoch + 1) +
              ", iteration " + std::to_string(position_.iteration) + used_convolutions() +
              "; a smaller --lr or --clip-grad helps. " +
              (saved_ ? "What was saved before stays: " + printable(state)
                      : std::string("No epoch was finished, so nothing is saved.")));
}

}  // namespace tweed::app
