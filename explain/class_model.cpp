#include "explain/class_model.h"

#include "autograd/elementwise.h"
#include "autograd/pool.h"
#include "autograd/reduce.h"
#include "autograd/shape_ops.h"
#include "explain/score.h"
#include "kernels/philox.h"

namespace tweed {
namespace {

// Shifted along an axis; what leaves on one side comes in on the other.
Tensor rolled(const Tensor& x, int axis, int64_t by) {
  const int64_t size = x.dim(axis), first = ((by % size) + size) % size;
  if (first == 0) return x;
  return concat({slice(x, axis, size - first, size), slice(x, axis, 0, size - first)}, axis);
}
Tensor shifted(const Tensor& x, int64_t down, int64_t right) {
  return rolled(rolled(x, 1, down), 2, right);
}

Tensor start_image(const ClassModelOptions& options, Device device) {
  Random random(options.seed, Purpose::explain);
  std::vector<float> values;
  for (int64_t i = 0; i < options.height * options.width * 3; ++i)
    values.push_back(0.05f * random.normal());
  return Tensor::from(values, {1, options.height, options.width, 3}, device);
}

}  // namespace

Tensor class_model(Module& network, int32_t target, const ClassModelOptions& options) {
  if (options.height < 1 || options.width < 1) throw Error("a class model needs a size");
  const Device device = network.device();
  const Tensor label = repeated_label(target, 1, device);
  Random random(options.seed, Purpose::explain, 1);
  const auto some = [&] {
    return int64_t(random.below(uint32_t(2 * options.jitter + 1))) - options.jitter;
  };
  const auto bound = [&](const Tensor& given) { return given.to(DType::float32).to(device); };
  Tensor x = start_image(options, device);
  for (int step = 1; step <= options.steps && !(options.cancelled && options.cancelled()); ++step) {
    const int64_t down = some(), right = some();
    const Tensor moved = shifted(x, down, right);
    const Tensor g =
        shifted(input_gradient(network, moved, label, ClassScore::logit), -down, -right);
    const Tensor size = sqrt(mean(g * g)) + 1e-12;
    x = x * (1 - options.decay) + g / size * options.rate;
    if (options.blur_every && step % options.blur_every == 0)
      x = avg_pool2d(x, 3, {.stride = 1, .padding = 1, .count_include_pad = false});
    if (options.low.defined()) x = maximum(x, bound(options.low));
    if (options.high.defined()) x = minimum(x, bound(options.high));
  }
  return x;
}

}  // namespace tweed
