#include "apps/training.h"

#include <chrono>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "apps/app.h"
#include "apps/flags.h"
#include "autograd/elementwise.h"
#include "autograd/loss.h"
#include "autograd/shape_ops.h"
#include "nn/eval_mode.h"
#include "nn/forward_float.h"

namespace tweed::app {
namespace {

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

Tensor images_of(const Batch& batch, int size, Device device) {
  return Tensor::from(batch.images, {batch.count, size, size, 3}, device);
}
Tensor labels_of(const Batch& batch, Device device) {
  return Tensor::from(batch.labels, {batch.count}, device);
}

// (N, H, W, 3) with each row of pixels reversed.
std::vector<float> mirrored_images(const std::vector<float>& images, int64_t width) {
  std::vector<float> result(images.size());
  for (std::size_t i = 0; i < images.size() / 3; ++i) {
    std::size_t column = i % std::size_t(width), start = i - column;
    std::size_t from = start + std::size_t(width) - 1 - column;
    for (std::size_t c = 0; c < 3; ++c) result[3 * i + c] = images[3 * from + c];
  }
  return result;
}

}  // namespace

Score evaluate(Module& network, const Dataset& data, const LoaderOptions& options, Device device,
               bool mirrored, const PgdOptions* attack) {
  EvalMode eval(network);
  RunningScore running(device);
  std::optional<RecordedPgd> pgd;
  if (attack) pgd.emplace(network, interruptible(*attack), device);
  Loader loader(data, options);
  Batch batch;
  for (uint32_t i = 0; loader.next(batch); ++i) {
    Tensor x = images_of(batch, options.image_size, device), labels = labels_of(batch, device);
    if (pgd) x = (*pgd)(x, labels, i);
    if (interrupted()) break;
    NoGrad no_grad;
    Tensor logits = forward_float(network, x);
    if (mirrored) {
      batch.images = mirrored_images(batch.images, options.image_size);
      const Tensor other = images_of(batch, options.image_size, device);
      logits = (logits + forward_float(network, other)) * 0.5;
    }
    running.add(cross_entropy(logits, labels), logits, labels);
  }
  return running.read();
}

Training::Training(const TrainingOptions& options, const CheckpointInfo& info, ModulePtr network,
                   Device device, const Dataset& train, const Dataset& validation)
    : options_(options),
      info_(info),
      network_(std::move(network)),
      device_(device),
      train_(train),
      validation_(validation),
      parameters_(network_->parameters(), options.optimizer.rules(), options.compute),
      optimizer_(options.optimizer.make(parameters_)),
      feed_(train, device,
            {.batch_size = options.batch_size,
             .image_size = info.image_size,
             .training = true,
             .workers = options.workers,
             .seed = options.seed,
             .normalization = {info.mean, info.std},
             .augmentation = options.augmentation},
            options.residence),
      running_(device),
      clock_(Tensor::zeros({1}, DType::int32, device)),
      replay_(
          device, [this] { device_step(); }, options.record_steps) {
  if (iterations_per_epoch() == 0)
    throw Error("there are " + std::to_string(train.size()) +
                " training images, fewer than a batch of " + std::to_string(options.batch_size) +
                "; a smaller --batch-size goes");
  if (options.iterations)
    options_.epochs = int(ceil_div(options.iterations, iterations_per_epoch()));
  total_ = options.iterations ? options.iterations : options.epochs * iterations_per_epoch();
  const OptimizerFlags& flags = options.optimizer;
  const int64_t warmup =
      std::min(int64_t(flags.warmup * double(iterations_per_epoch()) + 0.5), total_ - 1);
  rate_ = flags.rate(total_, warmup);
  momentum_ = flags.momentum_over(total_);
  if (flags.ema > 0) ema_ = std::make_unique<Ema>(parameters_, flags.ema);
  // A later version may have another rate by default.
  options_.flags.try_emplace("--lr", 1, nlohmann::json(optimizer_->lr()).dump());
  if (options.adversarial) adversarial_ = std::make_unique<Pgd>(*options.adversarial, device);
}

int64_t Training::iterations_per_epoch() const { return train_.size() / options_.batch_size; }
int64_t Training::iterations_of_epoch() const {
  return std::min(iterations_per_epoch(), total_ - position_.epoch * iterations_per_epoch());
}

// ---- the loop -----------------------------------------------------------------------------------

int Training::run() {
  double started = now();
  reset_peak_memory(device_);
  begin();
  if (done()) {
    const bool steps = options_.iterations > 0;
    std::printf("This run is finished (%s); --%s with a larger number goes on.\n",
                steps ? counted(options_.iterations, "iteration").c_str()
                      : counted(options_.epochs, "epoch").c_str(),
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
  read_score();
  check_finite();
  save_state();
  if (position_.epoch == 0) {
    const AveragedWeights averaged(ema_.get());
    const MasterWeights masters(parameters_);
    save_checkpoint(path(run_file::last), *network_, info_);
  }
  std::printf("Stopped in epoch %ld after %s, saved; go on with --resume %s\n",
              long(position_.epoch + 1), counted(position_.iteration, "iteration").c_str(),
              printable(path(run_file::last)).c_str());
  return 130;
}

// False after Ctrl-C; the step that it came in is finished.
bool Training::train_epoch() {
  network_->train();
  feed_.start_epoch(position_.epoch, position_.iteration);
  running_.set(position_.score);
  epoch_started_ = now();
  epoch_images_ = 0;
  while (!interrupted() && position_.iteration < iterations_of_epoch() && feed_.next()) {
    step();
    ++position_.iteration;
    epoch_images_ += options_.batch_size;
    show_progress();
  }
  read_score();
  if (epoch_images_ > 0) note_gradients();
  return !interrupted();
}

// What changes from step to step goes to the device; then the device does the same as ever.
void Training::step() {
  const int64_t iteration = position_.epoch * iterations_per_epoch() + position_.iteration;
  clock_.fill(double(iteration * options_.optimizer.accumulate));
  optimizer_->set_lr(rate_(iteration));
  if (momentum_) optimizer_->set_momentum(momentum_(iteration));
  optimizer_->prepare();
  if (ema_) ema_->count();
  replay_();
}

// Parts of a batch go through the network one after another and add up to its gradient.
void Training::device_step() {
  feed_.load();
  const int64_t parts = options_.optimizer.accumulate, size = options_.batch_size / parts;
  parameters_.zero_grad();
  for (int64_t i = 0; i < parts; ++i)
    forward_and_backward(feed_.images().slice(i * size, (i + 1) * size),
                         feed_.labels().slice(i * size, (i + 1) * size), uint32_t(i));
  if (options_.optimizer.clip_grad > 0) parameters_.clip_grad_norm(options_.optimizer.clip_grad);
  optimizer_->apply();
  if (ema_) ema_->apply();
}

void Training::forward_and_backward(const Tensor& images, const Tensor& labels, uint32_t part) {
  network_->set_random_step({options_.seed, part, clock_});
  Tensor x = images;
  if (adversarial_) x = (*adversarial_)(*network_, x, labels, part, clock_, false).images;
  Tensor logits = forward_float(*network_, x);
  Tensor loss = cross_entropy(logits, labels);
  running_.add(loss, logits, labels);
  const int parts = options_.optimizer.accumulate;
  backward(parts > 1 ? loss / double(parts) : loss);
}

// Once a loss was not finite, neither is their sum.
void Training::read_score() {
  position_.score = running_.read();
  if (!std::isfinite(position_.score.loss)) fail_diverged("the loss is");
}

}  // namespace tweed::app
