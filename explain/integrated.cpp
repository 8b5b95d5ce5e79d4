#include "explain/integrated.h"

#include <algorithm>

#include "autograd/elementwise.h"
#include "autograd/reduce.h"
#include "autograd/shape_ops.h"

namespace tweed {

Tensor baseline_for(const Tensor& x, const ExplainOptions& options) {
  const Shape one{1, x.dim(1), x.dim(2), x.dim(3)};
  const Tensor& given = options.baseline;
  if (!given.defined()) return Tensor::zeros(one, x.dtype(), x.device());
  return expand(given.to(x.dtype()).to(x.device()), one);
}

// The middles of parts [first, first + count) of `parts` equal ones of 0..1: (count, 1, 1, 1).
static Tensor middles(int64_t first, int64_t count, int64_t parts, const Tensor& like) {
  std::vector<double> values;
  for (int64_t i = first; i < first + count; ++i)
    values.push_back((double(i) + 0.5) / double(parts));
  return Tensor::from(values, {count, 1, 1, 1}).to(like.dtype()).to(like.device());
}

static Tensor integrated_one(Module& network, const Tensor& x, int32_t target,
                             const ExplainOptions& options) {
  const ClassScore score = options.score.value_or(ClassScore::logit);
  const Tensor start = baseline_for(x, options), way = x - start;
  const Tensor total = Tensor::zeros_like(x);
  for (int64_t first = 0; first < options.steps && !options.stopped(); first += options.at_once) {
    const int64_t count = std::min(options.at_once, options.steps - first);
    const Shape several{count, x.dim(1), x.dim(2), x.dim(3)};
    const Tensor part = middles(first, count, options.steps, x);
    const Tensor images = expand(start, several) + expand(way, several) * part;
    const Tensor g =
        input_gradient(network, images, repeated_label(target, count, x.device()), score);
    accumulate(total, sum(g, {0}, true));
  }
  return way * total / double(options.steps);
}

Tensor integrated_gradients(Module& network, const Tensor& x, const Tensor& targets,
                            const ExplainOptions& options) {
  if (options.steps < 1 || options.at_once < 1)
    throw Error("integrated gradients need a step and an image at once, at least");
  const auto labels = targets.to_vector<int32_t>();
  std::vector<Tensor> all;
  for (int64_t n = 0; n < x.dim(0); ++n)
    all.push_back(
        integrated_one(network, x.detach().slice(n, n + 1), labels.at(std::size_t(n)), options));
  return concat(all, 0);
}

}  // namespace tweed
