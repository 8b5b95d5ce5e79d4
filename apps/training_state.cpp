// What Training goes on from: its state file, and the folder that agrees with it.
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "apps/training.h"
#include "data/parse_json.h"

namespace tweed::app {

// What a resumed run must have in common with the one before, so that its state fits.
static nlohmann::json kind_of(const TrainingOptions& o) {
  return {{"optimizer", o.trainer.optimizer},
          {"ema", o.trainer.ema},
          {"freeze", o.freeze},
          {"accumulate", o.trainer.accumulate}};
}

// Everything that goes on in one file: were the weights in another, a crash between the two writes
// would leave a pair that does not belong together.
void Training::save_state(const char* name) {
  const TrainerState state = trainer_.state();
  if (!leads()) return;
  const auto& [at, tensors] = state;
  SafeTensors file;
  for (auto& [name, t] : tensors) file.tensors[name] = to_file_axes(t);
  nlohmann::json position{{"epoch", at.epoch},
                          {"iteration", at.iteration},
                          {"loss", at.score.loss},
                          {"top1", at.score.top1},
                          {"top5", at.score.top5},
                          {"count", at.score.count},
                          {"first_gradient", first_gradient_},
                          {"last_gradient", last_gradient_},
                          {"best", best_},
                          {"best_epoch", best_epoch_}};
  if (robust_.best >= 0)
    position["robust"] = {{"best", robust_.best},
                          {"best_epoch", robust_.best_epoch},
                          {"train_at_best", robust_.train_at_best},
                          {"last", robust_.last},
                          {"collapsed", robust_.collapsed}};
  nlohmann::json run{
      {"seed", options_.trainer.seed}, {"batch_size", options_.trainer.batch_size},
      {"samples", data_.train.size()}, {"augmentation", text_of(options_.trainer.augmentation)},
      {"epochs", trainer_.epochs()},   {"model", info_.model},
      {"optimizer", kind_of(options_)}};
  info_.epoch = at.epoch;
  file.metadata = metadata_of(info_);
  file.metadata["position"] = position.dump();
  file.metadata["run"] = run.dump();
  // A path may be no UTF-8.
  file.metadata["flags"] =
      nlohmann::json(options_.flags).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  write_safetensors(path(name), file);
}

void Training::save_weights(const char* name) {
  const WeightsToKeep weights(trainer_);
  if (!leads()) return;
  save_checkpoint(path(name), trainer_.network(), info_, options_.weights_as);
}

// What is not finite is not saved. Of a first epoch the weights tell that something of value is
// here.
void Training::save_within_epoch() {
  trainer_.score();
  trainer_.check_finite();
  log_steps();
  bool is_first = position().epoch == 0 && !std::filesystem::exists(path(run_file::last));
  if (auto& group = options_.trainer.group) is_first = group->leader_says(is_first);
  if (is_first) save_weights(run_file::last);
  save_state();
  saved_ = true;
}

// The one that a run goes on from is the last to be there: killed before, the epoch is done again.
void Training::save_epoch_state(bool is_best, bool is_best_robust) {
  std::vector<std::string> names;
  if (is_best) names.push_back(run_file::best_state);
  if (is_best_robust) names.push_back(run_file::best_robust_state);
  if (options_.keep > 0) names.push_back(kept_state(position().epoch));
  names.push_back(run_file::state);
  save_state(names[0].c_str());
  if (!leads()) return;
  for (std::size_t i = 1; i < names.size(); ++i) keep_as(path(names[0]), path(names[i]));
  drop_states(position().epoch - options_.keep, position().epoch);
}

// States of epochs up to `first`, and of those after `after`.
void Training::drop_states(int64_t first, int64_t after) {
  if (!leads()) return;
  for (const int64_t epoch : kept_epochs(options_.folder->path()))
    if (epoch <= first || epoch > after) std::filesystem::remove(path(kept_state(epoch)));
}

// A number from a file that may be anybody's.
static int64_t whole(const nlohmann::json& number, int64_t most) {
  if (!number.is_number_integer() || number < 0 || number > most)
    throw Error("its position " + printable(number.dump()) + " is not from 0 to " +
                std::to_string(most));
  return number;
}

static double within(const nlohmann::json& number, double least, double most) {
  const double value = number;
  if (!(least <= value && value <= most)) throw Error("its position is out of bounds");
  return value;
}

// Each tensor of a file under the name and axes that it has here.
static std::vector<Named> tensors_of(const SafeTensors& file) {
  std::vector<Named> tensors;
  for (auto& [name, t] : file.tensors) tensors.push_back({name, from_file_axes(t)});
  return tensors;
}

static RobustHistory robust_of(const nlohmann::json& at, int64_t epoch) {
  if (!at.contains("robust")) return {};
  const nlohmann::json& r = at.at("robust");
  return {.best = within(r.at("best"), 0, 100),
          .best_epoch = whole(r.at("best_epoch"), epoch),
          .train_at_best = within(r.at("train_at_best"), 0, 100),
          .last = within(r.at("last"), 0, 100),
          .collapsed = whole(r.at("collapsed"), epoch)};
}

void Training::resume(const SavedRun& saved) {
  constexpr int deepest = 3;  // objects of plain values
  constexpr double largest = 1e38;
  const std::string& state = saved.path;
  TrainerState go_on;
  Position& to = go_on.position;
  try {
    const nlohmann::json run = parse_json(state + " (run)", saved.file.metadata.at("run"), deepest);
    const nlohmann::json at =
        parse_json(state + " (position)", saved.file.metadata.at("position"), deepest);
    check_same(state, run, saved.checkpoint.info);
    to.epoch = whole(at.at("epoch"), 1'000'000);
    to.iteration = whole(at.at("iteration"), trainer_.iterations_per_epoch());
    const int64_t count = to.iteration * options_.trainer.batch_size;
    if (at.at("count") != count) throw Error("its images are not those of its iterations");
    to.score = {within(at.at("loss"), 0, largest), within(at.at("top1"), 0, double(count)),
                within(at.at("top5"), 0, double(count)), count};
    first_gradient_ = within(at.at("first_gradient"), 0, largest);
    last_gradient_ = within(at.at("last_gradient"), 0, largest);
    best_ = within(at.at("best"), -1, 100);
    best_epoch_ = whole(at.value("best_epoch", nlohmann::json(0)), to.epoch);
    robust_ = robust_of(at, to.epoch);
  } catch (const FormatError&) {
    throw;
  } catch (const std::exception&) {
    throw FormatError(state, "is no training state: what it says of the run cannot be read");
  }
  go_on.tensors = tensors_of(saved.file);
  try {
    trainer_.load(go_on);
  } catch (const Error& e) {
    throw FormatError(state, e.what());
  }
  info_.top1 = saved.checkpoint.info.top1;
  info_.top5 = saved.checkpoint.info.top5;
  resumed_from_ = saved.folder;
  from_earlier_ = saved.is_earlier;
  epochs_before_ = to.epoch;
  saved_ = to.epoch > 0 || to.iteration > 0;
}

// What must stay as it was for a run to go on as if it had not stopped.
void Training::check_same(const std::string& state, const nlohmann::json& run,
                          const CheckpointInfo& before) const {
  auto same = [&](const char* what, auto ours) {
    if (run.at(what) != nlohmann::json(ours))
      throw FormatError(state, std::string("was written with ") + what + " " + run.at(what).dump() +
                                   ", not " + nlohmann::json(ours).dump() +
                                   "; a resumed run needs the same");
  };
  same("model", info_.model);
  same("seed", options_.trainer.seed);
  same("batch_size", options_.trainer.batch_size);
  if (run.at("samples") != data_.train.size())
    throw FormatError(state, "was trained on " + run.at("samples").dump() + " images, not on " +
                                 std::to_string(data_.train.size()) +
                                 ": DATA, --classes and --limit have to be what they were");
  if (before.image_size != info_.image_size || before.load_size != info_.load_size)
    throw FormatError(
        state, "was written with images of " + std::to_string(before.image_size) + " cut from " +
                   std::to_string(before.load_size) + ", not " + std::to_string(info_.image_size) +
                   " from " + std::to_string(info_.load_size) + "; a resumed run needs the same");
  same("augmentation", text_of(options_.trainer.augmentation));
  same("optimizer", kind_of(options_));
}

std::string Training::start() const {
  return "epoch " + std::to_string(position().epoch + 1) +
         (position().iteration ? " after " + counted(position().iteration, "iteration") : "");
}

// From here on the folder holds this run and no other. The state makes it so in one step; the other
// files of a run that was here before go after it, so that a kill in between leaves them to the
// next start.
void Training::begin() {
  const auto& group = options_.trainer.group;
  bool elsewhere = saved_ && !same_folder(resumed_from_, options_.folder->path());
  if (group) elsewhere = group->leader_says(elsewhere);
  if (!saved_) {
    save_state();
    if (leads()) remove_followers(options_.folder->path());
    drop_states(0, 0);
    if (options_.overwrites && leads())  // pictures of the network that was
      for (auto name : {run_file::saliency, run_file::attack}) std::filesystem::remove(path(name));
  } else if (elsewhere) {
    take_files_along();
  } else if (from_earlier_) {
    save_state();
    drop_later_files();
  }
  if (!std::filesystem::exists(path(run_file::best))) {  // the next epoch's shall be
    best_ = -1;
    best_epoch_ = 0;
  }
  if (!std::filesystem::exists(path(run_file::best_robust)))
    robust_ = {.last = robust_.last, .collapsed = robust_.collapsed};
  if (group) follow_leader();
  if (leads()) open_log();
}

// What is best decides when all end, and only the leader is sure to see the files.
void Training::follow_leader() {
  nlohmann::json best{best_, best_epoch_, robust_.best, robust_.best_epoch, robust_.train_at_best};
  best = nlohmann::json::parse(options_.trainer.group->broadcast(best.dump()));
  best_ = best.at(0);
  best_epoch_ = best.at(1);
  robust_.best = best.at(2);
  robust_.best_epoch = best.at(3);
  robust_.train_at_best = best.at(4);
}

// A run that goes on elsewhere: its state first, so that the folder can be gone on with from then
// on; what else it has left where it was goes along.
void Training::take_files_along() {
  namespace fs = std::filesystem;
  save_state();
  drop_states(0, 0);
  if (leads()) remove_followers(options_.folder->path());
  constexpr auto how = fs::copy_options::recursive | fs::copy_options::overwrite_existing;
  for (auto name : run_file::followers)
    if (!leads())
      break;
    else if (const std::string before = resumed_from_ + "/" + name; fs::exists(before))
      fs::copy(before, path(name), how);
  if (from_earlier_) drop_later_files();
}

// Going on from an earlier epoch: what later ones left goes.
void Training::drop_later_files() {
  drop_states(0, position().epoch);
  save_weights(run_file::last);
  for (auto name : {run_file::curves, run_file::filters, run_file::validation, run_file::report})
    if (leads()) std::filesystem::remove(path(name));
  keep_only_of_here(best_epoch_, run_file::best, run_file::best_state);
  keep_only_of_here(robust_.best >= 0 ? robust_.best_epoch : 0, run_file::best_robust,
                    run_file::best_robust_state);
}

// Files of the best epoch so far, where the run goes on from it: a later one may have been better
// and have left its own there, so they are written again. Those of an epoch before may be lost by
// then; the next epoch's shall be the best.
void Training::keep_only_of_here(int64_t epoch, const char* weights, const char* state) {
  if (epoch > 0 && epoch == position().epoch) {
    save_weights(weights);
    save_state(state);
  } else if (leads()) {
    for (auto name : {weights, state}) std::filesystem::remove(path(name));
  }
}

}  // namespace tweed::app
