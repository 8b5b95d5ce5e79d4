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
#include "record/metrics.h"

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

void keep_first(Batch& batch, int64_t most) {
  if (batch.count <= most) return;
  const std::size_t pixels = batch.images.size() / std::size_t(batch.count);
  batch.images.resize(pixels * std::size_t(most));
  batch.labels.resize(std::size_t(most));
  batch.count = most;
}

}  // namespace

Score evaluate(Module& network, const Dataset& data, const LoaderOptions& options, Device device,
               bool mirrored, const PgdOptions* attack, int64_t most) {
  EvalMode eval(network);
  RunningScore running(device);
  int64_t seen = 0;
  std::optional<RecordedPgd> pgd;
  if (attack) pgd.emplace(network, interruptible(*attack), device);
  Loader loader(data, options);
  Batch batch;
  for (uint32_t i = 0; (most == 0 || seen < most) && loader.next(batch); ++i) {
    if (most) keep_first(batch, most - seen);
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
    seen += batch.count;
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
                " training images, fewer than a batch of " + std::to_string(options.batch_size));
  if (options.iterations)
    options_.epochs = int(ceil_div(options.iterations, iterations_per_epoch()));
  total_ = options.iterations ? options.iterations : options.epochs * iterations_per_epoch();
  const OptimizerFlags& flags = options.optimizer;
  const int64_t warmup =
      std::min(int64_t(flags.warmup * double(iterations_per_epoch()) + 0.5), total_ - 1);
  rate_ = flags.rate(total_, warmup);
  momentum_ = flags.momentum_over(total_);
  if (flags.ema > 0) ema_ = std::make_unique<Ema>(parameters_, flags.ema);
  if (options.adversarial) adversarial_ = std::make_unique<Pgd>(*options.adversarial, device);
}

int64_t Training::iterations_per_epoch() const { return train_.size() / options_.batch_size; }
int64_t Training::iterations_of_epoch() const {
  return std::min(iterations_per_epoch(), total_ - position_.epoch * iterations_per_epoch());
}

// ---- state ------------------------------------------------------------------------------------

static std::string state_path(const std::string& weights) {
  auto dot = weights.rfind(".safetensors");
  return (dot == std::string::npos ? weights : weights.substr(0, dot)) + ".state.safetensors";
}

static std::string text_of(const Augmentation& a) {
  return std::string(a.mirror ? "mirror " : "") + (a.crop ? "crop " : "") + "pad " +
         std::to_string(a.pad);
}

// Everything that goes on in one file: were the weights in another, a crash between the two writes
// would leave a pair that does not belong together.
void Training::save_state() const {
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
  file.metadata = {{"position", position.dump()}, {"run", run.dump()}};
  write_safetensors(path("last.state.safetensors"), file);
}

static std::map<std::string, Tensor> with_prefix(const SafeTensors& file,
                                                 const std::string& prefix) {
  std::map<std::string, Tensor> part;
  for (auto& [name, t] : file.tensors)
    if (name.rfind(prefix, 0) == 0) part[name.substr(prefix.size())] = t;
  return part;
}

void Training::resume(const std::string& weights) {
  std::string state = state_path(weights);
  SafeTensors file = read_safetensors(state);
  auto part = [&](const char* prefix, const std::vector<Named>& into) {
    load_tensors(state, {with_prefix(file, prefix), {}}, into);
  };
  nlohmann::json run, at;
  try {
    run = nlohmann::json::parse(file.metadata.at("run"));
    at = nlohmann::json::parse(file.metadata.at("position"));
    auto same = [&](const char* what, auto ours) {
      if (run.at(what) != nlohmann::json(ours))
        throw FormatError(state, std::string("was written with ") + what + " " +
                                     run.at(what).dump() + ", not " + nlohmann::json(ours).dump() +
                                     "; a resumed run needs the same");
    };
    same("model", info_.model);
    same("seed", options_.seed);
    same("batch_size", options_.batch_size);
    same("samples", train_.size());
    same("augmentation", text_of(options_.augmentation));
    same("optimizer", options_.optimizer.state_kind());
    position_.epoch = at.at("epoch");
    position_.iteration = at.at("iteration");
    position_.score = {at.at("loss"), at.at("top1"), at.at("top5"), at.at("count")};
    position_.first_gradient = at.at("first_gradient");
    position_.last_gradient = at.at("last_gradient");
    best_ = at.at("best");
  } catch (const Error&) {
    throw;
  } catch (const std::exception& e) {
    throw FormatError(state, std::string("is no training state: ") + e.what());
  }
  {
    const MasterWeights masters(parameters_);
    part("model.", network_->state());
  }
  part("optimizer.", optimizer_->state());
  if (ema_) part("ema.", ema_->state());
  parameters_.changed();
}

// ---- the loop -----------------------------------------------------------------------------------

int Training::run() {
  double started = now();
  reset_peak_memory(device_);
  MetricsFile(path("metrics.jsonl"), position_.epoch);  // drops lines that will be written again
  while (position_.epoch < options_.epochs) {
    if (!train_epoch() || !finish_epoch()) return stop();
  }
  summary(now() - started);
  return 0;
}

// After Ctrl-C: keeps the position within the epoch.
int Training::stop() {
  progress_.clear();
  read_score();
  save_state();
  if (position_.epoch == 0) {
    const AveragedWeights averaged(ema_.get());
    const MasterWeights masters(parameters_);
    save_checkpoint(path("last.safetensors"), *network_, info_);
  }
  std::printf("Stopped in epoch %ld after %ld iterations, saved; go on with --resume %s\n",
              long(position_.epoch + 1), long(position_.iteration),
              path("last.safetensors").c_str());
  return 130;
}

// False after Ctrl-C; the step that it came in is finished.
bool Training::train_epoch() {
  network_->train();
  feed_.start_epoch(position_.epoch, position_.iteration);
  running_.set(position_.score);
  epoch_started_ = now();
  epoch_images_ = 0;
  while (position_.iteration < iterations_of_epoch() && feed_.next()) {
    step();
    ++position_.iteration;
    epoch_images_ += options_.batch_size;
    show_progress();
    if (interrupted()) break;
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
  if (!std::isfinite(position_.score.loss))
    throw Error("the loss is no longer finite in epoch " + std::to_string(position_.epoch + 1) +
                ", iteration " + std::to_string(position_.iteration) +
                "; a smaller --lr or --clip-grad helps. The last whole epoch is saved.");
}

}  // namespace tweed::app
