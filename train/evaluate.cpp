#include "train/evaluate.h"

#include <algorithm>

#include "autograd/elementwise.h"
#include "autograd/loss.h"
#include "autograd/shape_ops.h"
#include "data/feed.h"
#include "nn/eval_mode.h"
#include "nn/forward_float.h"
#include "train/image_form.h"

namespace tweed {

void answer_each(
    Module& network, const Dataset& data, const EvaluateOptions& o,
    const std::function<void(const Batch&, const Tensor& logits, const Tensor& labels)>& see) {
  const EvalMode eval(network);
  const Device device = network.device();
  const int size = o.image_size ? o.image_size : data.image_size();
  // Whole batches, so that each is attacked as by one process.
  const int64_t batches = ceil_div(data.size(), o.batch_size);
  const int64_t rank = o.group ? o.group->rank() : 0, processes = o.group ? o.group->size() : 1;
  const int64_t begin = batches * rank / processes, end = batches * (rank + 1) / processes;
  const int64_t own = std::min(data.size(), end * o.batch_size) - begin * o.batch_size;
  Loader loader(data, {.batch_size = o.batch_size,
                       .image_size = size,
                       .training = false,
                       .workers = o.workers,
                       .first_batch = begin,
                       .end_batch = end,
                       .stored = true});
  const Viewer viewer(device, data.image_side(), size, o.normalization);
  Batch batch;
  int64_t done = 0;
  for (uint32_t i = uint32_t(begin); loader.next(batch); ++i) {
    const ImageForm form =
        o.attack ? ImageForm() : image_form(network, {batch.count, size, size, 3});
    Tensor x = viewer.middles(batch, false, form);
    const Tensor labels = Tensor::from(batch.labels, {batch.count}, device);
    if (o.attack) {
      network.set_random_step({.step = i});
      x = o.attack(network, x, labels);
    }
    if (o.cancelled && o.cancelled()) return;
    const NoGrad no_grad;
    Tensor logits = forward_float(network, x);
    if (o.mirrored) {
      // Attacked images are mirrored as they are, so that both figures are measured alike.
      const Tensor mirror = o.attack ? flip(x, 2) : viewer.middles(batch, true, form);
      logits = (logits + forward_float(network, mirror)) * 0.5;
    }
    see(batch, logits, labels);
    done += batch.count;
    if (o.progress) o.progress(done, own);
  }
}

Score evaluate(Module& network, const Dataset& data, const EvaluateOptions& options) {
  RunningScore running(network.device());
  answer_each(network, data, options,
              [&](const Batch&, const Tensor& logits, const Tensor& labels) {
                running.add(cross_entropy(logits, labels), logits, labels);
                if (options.see) options.see(logits, labels);
              });
  if (options.group) options.group->sum(running.totals());
  return running.read().average();
}

}  // namespace tweed
