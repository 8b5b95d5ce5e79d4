#include "train/evaluate.h"

#include "autograd/elementwise.h"
#include "autograd/loss.h"
#include "nn/eval_mode.h"
#include "nn/forward_float.h"

namespace tweed {
namespace {

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

void answer_each(
    Module& network, const Dataset& data, const EvaluateOptions& o,
    const std::function<void(const Batch&, const Tensor& logits, const Tensor& labels)>& see) {
  const EvalMode eval(network);
  const Device device = network.device();
  const int size = o.image_size ? o.image_size : data.image_size();
  Loader loader(data, {.batch_size = o.batch_size,
                       .image_size = size,
                       .training = false,
                       .workers = o.workers,
                       .normalization = o.normalization});
  auto on_device = [&](const Batch& batch, const std::vector<float>& images) {
    return Tensor::from(images, {batch.count, size, size, 3}, device);
  };
  Batch batch;
  int64_t done = 0;
  for (uint32_t i = 0; loader.next(batch); ++i) {
    Tensor x = on_device(batch, batch.images);
    const Tensor labels = Tensor::from(batch.labels, {batch.count}, device);
    if (o.attack) {
      network.set_random_step({.step = i});
      x = o.attack(network, x, labels);
    }
    if (o.cancelled && o.cancelled()) return;
    const NoGrad no_grad;
    Tensor logits = forward_float(network, x);
    if (o.mirrored) {
      const Tensor other = on_device(batch, mirrored_images(batch.images, size));
      logits = (logits + forward_float(network, other)) * 0.5;
    }
    see(batch, logits, labels);
    done += batch.count;
    if (o.progress) o.progress(done, data.size());
  }
}

Score evaluate(Module& network, const Dataset& data, const EvaluateOptions& options) {
  RunningScore running(network.device());
  answer_each(network, data, options,
              [&](const Batch&, const Tensor& logits, const Tensor& labels) {
                running.add(cross_entropy(logits, labels), logits, labels);
                if (options.see) options.see(logits, labels);
              });
  return running.read().average();
}

}  // namespace tweed
