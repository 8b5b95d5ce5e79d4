#include "train/trainer.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "autograd/conv.h"
#include "autograd/loss.h"
#include "autograd/reduce.h"
#include "nn/forward_float.h"
#include "train/image_form.h"

namespace tweed {
namespace {

BatchShare share_of(const TrainerOptions& o) {
  if (!o.group) return {};
  return {o.group->rank(), o.group->size(), std::max(1, o.accumulate)};
}

LoaderOptions batches_of(const TrainerOptions& o, const Dataset& data) {
  return {.batch_size = o.batch_size,
          .image_size = o.image_size ? o.image_size : data.image_size(),
          .training = true,
          .workers = o.workers,
          .seed = o.seed,
          .share = share_of(o),
          .normalization = o.normalization,
          .augmentation = o.augmentation};
}

int64_t check_size(const Dataset& data, int64_t batch_size) {
  if (data.size() < batch_size)
    throw Error("there are " + std::to_string(data.size()) +
                " training images, fewer than a batch of " + std::to_string(batch_size) +
                "; a smaller batch size goes");
  return data.size() / batch_size;
}

bool attacks(const TrainerOptions& options) {
  return options.attack || !options.adversarial.empty();
}

// Of PGD-10 at 8/255 of the pixels, unless the options say otherwise.
DefenceOptions defence_of(const TrainerOptions& options) {
  if (options.defence) return *options.defence;
  const Normalization& n = options.normalization;
  return {
      .attack = {.space = pixel_space(8 / 255., 2 / 255., n.mean, n.std), .seed = options.seed}};
}

// What an attack aims at is one label.
const TrainerOptions& checked(const TrainerOptions& options) {
  if (attacks(options) && options.augmentation.mixes())
    throw Error("attacks take images of one label each, not those of mixup or cutmix");
  if (options.attack && !options.adversarial.empty())
    throw Error("training is against one attack: give a callable or a name, not both");
  check_defence(options.adversarial, defence_of(options).attack);
  return options;
}

// Of images that are mixed, the loss of both labels.
Objective mixed(const Feed& feed) {
  return [others = feed.other_labels(), shares = feed.label_shares()](
             Module& network, const Tensor& images, const Tensor& labels,
             int64_t first) -> LossAndLogits {
    const int64_t last = first + labels.dim(0);
    const Tensor logits = forward_float(network, images);
    return {cross_entropy_soft(
                logits, mixed_labels(labels, others.slice(first, last), shares.slice(first, last),
                                     logits.dim(1), logits.dtype())),
            logits};
  };
}

// Attacks change images, in float32.
ImageForm form_of(const TrainerOptions& o, const Module& network, const Dataset& data) {
  if (attacks(o)) return {};
  const int64_t size = batches_of(o, data).image_size;
  const int64_t images = share_of(o).images(o.batch_size);
  return image_form(network, {images / std::max(o.accumulate, 1), size, size, 3});
}

std::unique_ptr<SharedStep> shared_step(const TrainerOptions& o,
                                        const ParameterBuffer& parameters) {
  if (!o.group) return nullptr;
  return std::make_unique<SharedStep>(o.group, parameters, o.batch_size, share_of(o), o.sync_bn);
}

// How the options have a network trained, against attacks or not.
Defence make_defence(const TrainerOptions& options, const ParameterBuffer& parameters,
                     const Feed& feed, SharedStep* shared) {
  if (!options.adversarial.empty()) {
    DefenceOptions how = defence_of(options);
    if (shared)
      how.together = {shared->weight(), [shared](const Tensor& t) { shared->group().sum(t); }};
    return defence_called(options.adversarial)(how, parameters, feed.images());
  }
  if (options.attack) return {against(options.attack)};
  return {feed.other_labels().defined() ? mixed(feed) : classified};
}

// Whether a tensor of the state has a row for each image of a batch.
bool is_of_images(const std::string& name) { return name.starts_with("defence."); }

// Which convolutions to suspect: " (convolutions: direct, winograd)".
std::string used_convolutions() {
  std::string names;
  for (auto& name : conv_algorithms_used()) names += (names.empty() ? "" : ", ") + name;
  return names.empty() ? "" : " (convolutions: " + names + ")";
}

[[noreturn]] void fail_watched(const std::string& what, const Position& at) {
  throw Diverged(what + "; that is epoch " + std::to_string(at.epoch + 1) + ", iteration " +
                 std::to_string(at.iteration + 1));
}
[[noreturn]] void fail_diverged(const std::string& what, const Position& at) {
  throw Diverged(what + " no longer finite in epoch " + std::to_string(at.epoch + 1) +
                 ", iteration " + std::to_string(at.iteration) + used_convolutions());
}

}  // namespace

Trainer::Trainer(ModulePtr network, const Dataset& data, const TrainerOptions& options)
    : options_(checked(options)),
      network_(std::move(network)),
      batches_(check_size(data, options.batch_size)),
      parameters_(network_->parameters(), rules_of(options), options.compute),
      optimizer_(make_optimizer(options, parameters_)),
      ema_(options.ema > 0 ? std::make_unique<Ema>(parameters_, options.ema) : nullptr),
      feed_(data, network_->device(), batches_of(options, data), options.residence,
            form_of(options, *network_, data)),
      shared_(shared_step(options, parameters_)),
      defence_(make_defence(options, parameters_, feed_, shared_.get())),
      per_epoch_(batches_ * defence_.replays),
      epochs_(options.iterations ? ceil_div(options.iterations, per_epoch_) : options.epochs),
      iterations_(options.iterations ? options.iterations : options.epochs * per_epoch_),
      step_(*network_, parameters_, *optimizer_,
            {.accumulate = options.accumulate,
             .clip_grad = options.clip_grad,
             .seed = options.seed,
             .ema = ema_.get(),
             .record =
                 options.record && may_be_recorded(options.adversarial, defence_of(options).attack),
             .log = options.log_steps,
             .objective = defence_.objective,
             .after = defence_.after,
             .shared = shared_.get()},
            feed_.images(), feed_.labels(), [this] { feed_.load(); }) {
  const int64_t warmup =
      std::min(int64_t(options.warmup * double(per_epoch_) + 0.5), iterations_ - 1);
  rate_ = learning_rate(options, iterations_, warmup);
  momentum_ = momentum_of(options, iterations_);
}

int64_t Trainer::iterations_of_epoch() const {
  return std::min(per_epoch_, iterations_ - position_.epoch * per_epoch_);
}

Score Trainer::epoch() {
  while (step()) continue;
  const Score result = score();
  end_epoch();
  return result;
}

void Trainer::start_epoch() {
  feed_.start_epoch(position_.epoch, position_.iteration / defence_.replays);
  has_batch_ = false;
  step_.score().set(position_.score);
  next_read_ = position_.iteration;
  sums_read_ = position_.score;
  started_ = true;
}

void Trainer::read_steps() {
  if (!step_.log() || !started_ || next_read_ == position_.iteration) return;
  const int64_t before = position_.epoch * per_epoch_;
  const auto results =
      step_.log()->read(before + next_read_, before + position_.iteration, sums_read_);
  steps_read_.insert(steps_read_.end(), results.begin(), results.end());
  next_read_ = position_.iteration;
  sums_read_ = step_.score().read();
}

std::vector<StepResult> Trainer::new_steps() {
  read_steps();
  return std::exchange(steps_read_, {});
}

// Whether there is one; each stays for all its replays.
bool Trainer::has_batch() {
  if (!has_batch_ || position_.iteration % defence_.replays == 0) has_batch_ = feed_.next();
  return has_batch_;
}

bool Trainer::step() {
  if (!started_) start_epoch();
  if (position_.iteration >= iterations_of_epoch() || !has_batch()) return false;
  network_->train();
  const int64_t iteration = position_.epoch * per_epoch_ + position_.iteration;
  optimizer_->set_lr(rate_(iteration));
  if (momentum_) optimizer_->set_momentum(momentum_(iteration));
  compute();
  return true;
}

// A step on the batch that is ready.
void Trainer::compute() {
  try {
    step_(position_.epoch * per_epoch_ + position_.iteration);
  } catch (const Diverged& e) {
    fail_watched(e.what(), position_);
  }
  ++position_.iteration;
  if (position_.iteration - next_read_ == StepLog::rows) read_steps();
}

double Trainer::step_at(double rate) {
  if (started_ && position_.iteration >= per_epoch_) end_epoch();
  if (!started_) start_epoch();
  if (!has_batch()) throw Error("[train] there is no further batch");
  network_->train();
  optimizer_->set_lr(rate);
  const ScoreSums before = step_.score().read();
  compute();
  score();
  return (position_.score.loss - before.loss) / double(position_.score.count - before.count);
}

void Trainer::end_epoch() {
  position_ = {.epoch = position_.epoch + 1};
  started_ = false;
}

Score Trainer::evaluate(const Dataset& data) {
  return evaluate(data, {.image_size = options_.image_size,
                         .normalization = options_.normalization,
                         .workers = options_.workers});
}

Score Trainer::evaluate(const Dataset& data, const EvaluateOptions& options) {
  join_statistics();
  const AveragedWeights averaged(ema_.get());
  Score score;
  EvaluateOptions together = options;
  together.group = options_.group;
  auto run = [&] { score = tweed::evaluate(*network_, data, together); };
  try {
    watched_ ? watched(*network_, run) : run();
  } catch (const Diverged& e) {
    throw Diverged(e.what() + std::string("; that is on the validation images after epoch ") +
                   std::to_string(position_.epoch + 1));
  }
  if (!std::isfinite(score.loss)) fail_diverged("the loss on the validation images is", position_);
  return score;
}

PgdOptions Trainer::measured_attack() const {
  PgdOptions attack = defence_of(options_).attack;
  attack.space = with_step(attack.space, attack.space.radius / 4);
  attack.goal = AttackGoal::raise_label;
  attack.steps = 10;
  attack.random_start = true;
  return attack;
}

Score Trainer::evaluate_robust(const Dataset& data) {
  return evaluate_robust(data, {.image_size = options_.image_size,
                                .normalization = options_.normalization,
                                .workers = options_.workers});
}

Score Trainer::evaluate_robust(const Dataset& data, EvaluateOptions options) {
  if (!robust_attack_) robust_attack_ = pgd_attack(measured_attack(), network_->device());
  options.attack = robust_attack_;
  return evaluate(data, options);
}

// A loss that is not finite makes the sum of losses so: looking at the sum finds it, however late.
Score Trainer::score() {
  if (started_) position_.score = step_.score().read();
  if (!std::isfinite(position_.score.loss)) fail_diverged("the loss is", position_);
  return position_.score.average();
}

std::vector<Named> Trainer::live_state() const {
  std::vector<Named> all;
  auto add = [&](const char* prefix, const std::vector<Named>& tensors) {
    for (auto& [name, t] : tensors) all.push_back({prefix + name, t});
  };
  add("model.", network_->state());
  add("optimizer.", optimizer_->state());
  if (ema_) add("ema.", ema_->state());
  add("defence.", defence_.state);
  return all;
}

// The loss tells of the weights before a step; here are those after it, with everything else that
// would be kept.
void Trainer::check_finite() const {
  const NoGrad no_grad;
  const MasterWeights masters(parameters_);
  for (auto& [name, t] : live_state())
    if (is_floating(t.dtype()) && t.size() > 0 && !std::isfinite(norm_linf(t).item()))
      fail_diverged("the weights are", position_);
}

void Trainer::join_statistics() const {
  if (shared_) shared_->join_statistics(*network_);
}

TrainerState Trainer::state() const {
  join_statistics();
  const MasterWeights masters(parameters_);
  TrainerState state{position_, live_state()};
  if (started_) state.position.score = const_cast<Step&>(step_).score().read();
  // Masters are the network's own only within this scope.
  if (options_.compute != DType::float32)
    for (auto& [name, t] : state.tensors) t = t.clone();
  if (shared_)
    for (auto& [name, t] : state.tensors)
      if (is_of_images(name)) t = shared_->of_all(t);
  return state;
}

void Trainer::load(const TrainerState& state) {
  std::map<std::string, Tensor> given;
  for (auto& [name, t] : state.tensors) {
    const bool is_shared = shared_ && is_of_images(name) && t.ndim() > 0;
    given[name] = is_shared && t.dim(0) == options_.batch_size ? shared_->of_own(t) : t;
  }
  {
    const MasterWeights masters(parameters_);
    const auto own = live_state();
    for (auto& [name, t] : own) {
      const auto found = given.find(name);
      if (found == given.end()) throw Error("[train] the state lacks " + in_quotes(name));
      if (found->second.shape() != t.shape())
        throw Error("[train] the state's " + in_quotes(name) + " is " +
                    found->second.shape().str() + ", not " + t.shape().str());
    }
    for (auto& [name, t] : own) {
      Tensor(t).copy_from(given.at(name));
      given.erase(name);
    }
  }
  if (!given.empty())
    throw Error("[train] the state has " + in_quotes(given.begin()->first) +
                ", for which there is no place");
  parameters_.changed();
  steps_read_.clear();
  position_ = state.position;
  started_ = false;
}

}  // namespace tweed
