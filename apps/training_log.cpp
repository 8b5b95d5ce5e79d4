// What Training notes while it runs, for the files beside the weights.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <utility>

#include "apps/drawings/sheets.h"
#include "apps/run_figures.h"
#include "apps/training.h"
#include "autograd/reduce.h"
#include "data/augment.h"
#include "data/whole_file.h"
#include "nn/eval_mode.h"
#include "nn/forward_float.h"
#include "nn/watch.h"
#include "record/report/page.h"
#include "tensor/pool.h"
#include "train/calibration.h"
#include "train/profile.h"

namespace tweed::app {

// Once the folder is this run's.
void Training::open_log() {
  RunFacts facts{.command = options_.command, .flags = options_.flags, .model = info_.model};
  const auto data = options_.flags.find("data");
  facts.data = data != options_.flags.end() ? data->second.front() : "tiny";
  facts.parameters = trainer_.network().parameter_count();
  facts.classes = int64_t(info_.classes.size());
  facts.training_images = data_.train.size();
  facts.validation_images = data_.validation.size();
  facts.image_size = info_.image_size;
  facts.seed = options_.trainer.seed;
  facts.device = device_;
  const int64_t epochs = position().epoch;
  config_ = std::make_unique<RunConfig>(
      path(run_file::config), facts, saved_ ? resumed_from_ + "/" + run_file::config : "", epochs);
  config_->write(done() ? "finished" : "running");
  log_ = std::make_unique<RunLog>(options_.folder->path(), options_.print_every, epochs,
                                  epochs * trainer_.iterations_per_epoch() + position().iteration);
  if (!saved_) log_->add_text("command", "    train_miniplaces " + joined(options_.command, " "));
}

// The images are the first of the training set; the network stays as it is.
void Training::profile() {
  std::vector<Image> images;
  std::vector<int32_t> labels;
  for (int64_t i = 0; i < options_.trainer.batch_size; ++i) {
    images.push_back(validation_crop(data_.train.image(i), info_.image_size));
    labels.push_back(data_.train.label(i));
  }
  const Tensor x = normalized(images, info_, device_);
  const Tensor y = Tensor::from(labels, {int64_t(labels.size())}, device_);
  const StepProfile profile = profile_step(trainer_.network(), x, y);
  say("One step of %ld images, layer by layer:\n\n", long(profile.batch_size));
  std::printf("%s\n", profile.table(terminal_width()).c_str());
  constexpr std::size_t shown = 12;
  say("Its memory when the forward pass has ended, tensor by tensor:\n\n");
  std::printf("%s\n", profile.tensor_table(shown, terminal_width()).c_str());
  std::fflush(stdout);
  nlohmann::ordered_json layers = nlohmann::ordered_json::array();
  for (auto& l : profile.layers)
    layers.push_back({{"name", l.name.empty() ? "(between)" : l.name},
                      {"type", l.type},
                      {"output", l.output.ndim() ? l.output.str() : ""},
                      {"forward", l.forward},
                      {"backward", l.backward},
                      {"saved_bytes", l.saved_bytes},
                      {"parameter_bytes", l.parameter_bytes}});
  nlohmann::ordered_json tensors = nlohmann::ordered_json::array();
  for (auto& t : profile.tensors)
    tensors.push_back(
        {{"name", t.name}, {"kind", t.kind}, {"shape", t.shape.str()}, {"bytes", t.bytes}});
  int64_t optimizer_bytes = 0;
  for (auto& [name, t] : trainer_.optimizer().state()) optimizer_bytes += int64_t(t.bytes());
  const nlohmann::ordered_json all{{"batch_size", profile.batch_size},
                                   {"seconds", profile.seconds},
                                   {"other", profile.other},
                                   {"parameter_bytes", profile.parameter_bytes},
                                   {"gradient_bytes", trainer_.parameters().grads().bytes()},
                                   {"optimizer_bytes", optimizer_bytes},
                                   {"peak_bytes", profile.peak_bytes},
                                   {"layers", layers},
                                   {"tensors", tensors}};
  WholeFile file(path(run_file::profile));
  file.write(all.dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
  file.commit();
  reset_peak_memory(device_);
}

// On the CPU each step has a time of its own. A GPU is not waited for: what was launched until the
// log is read shares the time until then. Reading waits, so it is done when others would.
void Training::note_step() {
  constexpr double pause = 1;
  step_times_.push_back(now());
  if (step_times_.back() - log_read_ > pause) log_steps();
}

void Training::log_steps() {
  const auto results = trainer_.new_steps();
  const double time = now(), before = std::exchange(log_read_, time);
  const auto times = std::exchange(step_times_, {});
  if (results.empty()) return;
  first_gradient_ = results.back().first_gradient;
  last_gradient_ = results.back().last_gradient;
  if (!leads()) return;
  std::vector<LoggedStep> steps;
  for (std::size_t i = 0; i < results.size(); ++i) {
    double seconds = (time - before) / double(results.size());
    if (!device_.is_cuda() && times.size() == results.size())
      seconds = times[i] - (i > 0 ? times[i - 1] : before);
    steps.push_back({results[i], results[i].step / trainer_.iterations_per_epoch() + 1,
                     trainer_.rate(results[i].step),
                     double(options_.trainer.batch_size) / std::max(1e-9, seconds)});
  }
  log_->add(steps);
  show_live();
}

// Within an epoch the page gets the curves of its steps.
void Training::show_live() {
  constexpr double pause = 10, share = 0.01;
  const double started = now();
  if (started - live_written_ < std::max(pause, live_took_ / share)) return;
  config_->write("running", started - epoch_started_);
  write_report(options_.folder->path());
  live_written_ = now();
  live_took_ = live_written_ - started;
}

static double root_mean_square(const Tensor& t) {
  return norm_l2(t).item() / std::sqrt(double(std::max<int64_t>(1, t.size())));
}

// Of every parameter but the vectors; the activations are those of some validation images.
std::vector<LayerSizes> Training::layer_sizes() {
  const int64_t images = std::min<int64_t>(8, options_.trainer.batch_size);
  const NoGrad no_grad;
  Module& network = trainer_.network();
  if (!watched_.defined())
    watched_ = normalized(pick_samples(data_.validation, info_, images).images, info_, device_);
  const Watch watch(network, "*");
  {
    const EvalMode eval(network);
    forward_float(network, watched_);
  }
  std::vector<LayerSizes> sizes;
  for (auto& [name, t] : network.parameters()) {
    if (t.ndim() < 2) continue;
    LayerSizes size{name, root_mean_square(t), 0, 0};
    const Tensor g = requires_grad(t) ? grad(t) : Tensor();
    if (g.defined()) size.gradient = norm_linf(g).item();
    const std::string layer = name.substr(0, std::max<std::size_t>(name.rfind('.'), 1));
    const auto& names = watch.names();
    if (std::find(names.begin(), names.end(), layer) != names.end())
      size.activation = root_mean_square(watch.output(layer));
    sizes.push_back(size);
  }
  return sizes;
}

void Training::log_epoch(const EpochScores& scores, double seconds) {
  const Score &train = scores.train, &val = scores.val;
  const int64_t epoch = position().epoch;
  const int64_t steps = std::min(trainer_.iterations(), epoch * trainer_.iterations_per_epoch());
  const double calibration_error = calibration_of(outcomes_).error;
  std::vector<Metric> line{{"epoch", epoch},
                           {"lr", trainer_.rate(steps - 1)},
                           {"train_loss", train.loss},
                           {"train_top1", train.top1},
                           {"train_top5", train.top5},
                           {"val_loss", val.loss},
                           {"val_top1", val.top1},
                           {"val_top5", val.top5},
                           {"val_calibration_error", calibration_error},
                           {"gradient_first_conv", first_gradient_},
                           {"gradient_last_conv", last_gradient_}};
  if (scores.robust) line.emplace_back("val_robust_top1", scores.robust->top1);
  log_->add_epoch({epoch, steps, train, val, calibration_error, scores.robust, layer_sizes()},
                  line);
  config_->add_epoch(seconds);
  if (pages_due(done())) {
    config_->write("running");
    write_pages(true);
  }
}

// Pictures and pages take their time, so they are made anew where that is a fiftieth of a run's.
bool Training::pages_due(bool last) const {
  constexpr double share = 0.02;
  return last || pages_written_ == 0 || (now() - pages_written_) * share > pages_took_;
}

// @param with_answers  the validation is that of the weights as they are
void Training::write_pages(bool with_answers) {
  const double started = now();
  const int64_t steps = position().epoch * trainer_.iterations_per_epoch() + position().iteration;
  draw_run_curves(options_.folder->path(), info_.model);
  if (const Image filters = first_filters(trainer_.network()); filters.width > 0) {
    constexpr int scale = 4;
    const Image large =
        resize(filters, filters.height * scale, filters.width * scale, Scaling::nearest);
    write_png(path(run_file::filters), large, false);
    log_->add_image("filters", steps, large);
  }
  log_->add_histograms(steps, trainer_.network());
  if (with_answers)
    write_validation(options_.folder->path(), position().epoch, info_, data_.validation, outcomes_);
  write_report(options_.folder->path());
  pages_written_ = now();
  pages_took_ = pages_written_ - started;
  live_written_ = pages_written_;
}

void Training::close_log(const char* status) {
  if (!leads()) return;
  const double partial = position().iteration > 0 ? now() - epoch_started_ : 0;
  config_->write(status, partial);
  write_report(options_.folder->path());
}

}  // namespace tweed::app
