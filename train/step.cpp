#include "train/step.h"

#include "autograd/elementwise.h"
#include "autograd/loss.h"
#include "autograd/shape_ops.h"
#include "nn/forward_float.h"

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
      clock_(Tensor::zeros({1}, DType::int32, images.device())),
      replay_(
          images.device(), [this] { device_step(); }, options.record) {
  if (options.accumulate < 1 || images.dim(0) % options.accumulate != 0)
    throw Error("[train] a batch of " + std::to_string(images.dim(0)) +
                " images cannot be cut into " + std::to_string(options.accumulate) + " parts");
}

// What changes from step to step goes to the device; then the device does the same as ever.
void Step::operator()(int64_t number) {
  clock_.fill(double(number * options_.accumulate));
  optimizer_.prepare();
  if (options_.ema) options_.ema->count();
  replay_();
}

// Parts of a batch add up to its gradient.
void Step::device_step() {
  if (load_) load_();
  const int64_t parts = options_.accumulate, size = images_.dim(0) / parts;
  parameters_.zero_grad();
  for (int64_t i = 0; i < parts; ++i)
    forward_and_backward(images_.slice(i * size, (i + 1) * size),
                         labels_.slice(i * size, (i + 1) * size), uint32_t(i));
  if (options_.clip_grad > 0) parameters_.clip_grad_norm(options_.clip_grad);
  optimizer_.apply();
  if (options_.ema) options_.ema->apply();
}

void Step::forward_and_backward(const Tensor& images, const Tensor& labels, uint32_t part) {
  network_.set_random_step({options_.seed, part, clock_});
  const Tensor x = options_.attack ? options_.attack(network_, images, labels) : images;
  const Tensor logits = forward_float(network_, x);
  const Tensor loss = cross_entropy(logits, labels);
  score_.add(loss, logits, labels);
  const int parts = options_.accumulate;
  backward(parts > 1 ? loss / double(parts) : loss);
}

}  // namespace tweed
