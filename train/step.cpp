#include "train/step.h"

#include "autograd/elementwise.h"
#include "autograd/shape_ops.h"
#include "kernels/machine/trace_notes.h"
#include "nn/with_batch_parts.h"
#include "train/trace.h"

namespace tweed {

Step::Step(Module& network, ParameterBuffer& parameters, Optimizer& optimizer,
           const StepOptions& options, const Tensor& images, const Tensor& labels,
           std::function<void()> load)
    : network_(network),
      parameters_(parameters),
      optimizer_(optimizer),
      options_(options),
      images_(images),
      labels_(labels),
      load_(std::move(load)),
      score_(images.device()),
      log_(options.log ? std::make_unique<StepLog>(network) : nullptr),
      clock_(Tensor::zeros({1}, DType::int32, images.device())),
      replay_(
          images.device(), [this] { device_step(); },
          options.record && (!options.shared || options.shared->group().can_record())) {
  if (options.accumulate < 1 || images.dim(0) % options.accumulate != 0)
    throw Error("[train] a batch of " + std::to_string(images.dim(0)) +
                " images cannot be cut into " + std::to_string(options.accumulate) + " parts");
  await_trace();
}

// What changes from step to step goes to the device; then the device does the same as ever.
void Step::operator()(int64_t number) {
  // By then memory is there, and libraries have prepared what they keep.
  constexpr int settled = 3;
  if (calls_++ == settled)
    trace_if_wanted(images_.device(), [&] { step(number); });
  else
    step(number);
}

void Step::step(int64_t number) {
  {
    const trace::Scope scope("rates and random numbers", "step");
    clock_.fill(double(number * options_.accumulate));
    optimizer_.prepare();
    if (options_.ema) options_.ema->count();
  }
  watched_ ? watched_step() : replay_();
}

// Parts of a batch add up to its gradient.
void Step::device_step() {
  if (load_) {
    const trace::Scope scope("batch", "step");
    load_();
  }
  const int64_t parts = options_.accumulate, size = images_.dim(0) / parts;
  {
    const trace::Scope scope("gradients set to 0", "step");
    parameters_.zero_grad();
  }
  for (int64_t i = 0; i < parts; ++i) forward_and_backward(i * size, (i + 1) * size, uint32_t(i));
  if (options_.shared) {
    const trace::Scope scope("gradients of all processes", "step");
    options_.shared->gradients().finish();
    options_.shared->add_to(score_);
  }
  if (log_) log_->add(clock_, parts, score_);
  update();
}

void Step::set_random_step(uint32_t part) {
  const trace::Scope scope("rates and random numbers", "step");
  const RandomStep random{options_.seed, part, clock_};
  network_.set_random_step(options_.shared ? options_.shared->place(random) : random);
}

void Step::update() {
  if (options_.clip_grad > 0) {
    const trace::Scope scope("gradients clipped", "step");
    parameters_.clip_grad_norm(options_.clip_grad);
  }
  {
    const trace::Scope scope("optimizer", "step");
    optimizer_.apply();
  }
  if (options_.ema) {
    const trace::Scope scope("average of the weights", "step");
    options_.ema->apply();
  }
}

// The objective is cross-entropy of the network's logits, unless options say otherwise.
void Step::forward_and_backward(int64_t first, int64_t last, uint32_t part) {
  set_random_step(part);
  SharedStep* const shared = options_.shared;
  const WithBatchParts with(network_, shared ? shared->parts() : nullptr);
  const Tensor images = images_.slice(first, last), labels = labels_.slice(first, last);
  const auto [loss, logits] = options_.objective(network_, images, labels, first);
  {
    const trace::Scope scope("score", "step");
    (shared ? shared->own_score() : score_).add(loss, logits, labels);
  }
  const int parts = options_.accumulate;
  const double share = (shared ? shared->weight() : 1) / double(parts);
  const bool is_last = int(part) == parts - 1;
  if (shared && is_last) shared->gradients().start();
  backward(share < 1 ? loss * share : loss, false, {},
           shared && is_last ? &shared->gradients() : nullptr);
  if (options_.after) options_.after();
}

}  // namespace tweed
