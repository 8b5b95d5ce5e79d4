#include "explain/score.h"

#include "autograd/elementwise.h"
#include "autograd/loss.h"
#include "autograd/reduce.h"
#include "kernels/machine/printable.h"
#include "nn/eval_mode.h"
#include "nn/forward_float.h"

namespace tweed {

static const std::pair<const char*, ClassScore> score_table[] = {
    {"logit", ClassScore::logit},
    {"probability", ClassScore::probability},
    {"log-probability", ClassScore::log_probability}};

std::vector<std::string> score_names() {
  std::vector<std::string> all;
  for (auto& [name, score] : score_table) all.emplace_back(name);
  return all;
}

ClassScore parse_score(const std::string& name) {
  for (auto& [known, score] : score_table)
    if (name == known) return score;
  throw Error("there is no score " + in_quotes(name) +
              "; there are logit, probability and log-probability");
}

Tensor scores(const Tensor& logits, const Tensor& targets, ClassScore score) {
  if (logits.ndim() != 2 || targets.shape() != Shape{logits.dim(0)})
    fail("scores", "logits are ", logits.shape(), ", targets ", targets.shape());
  const Tensor none = Tensor::zeros(targets.shape(), DType::float32, targets.device());
  const Tensor chosen = mixed_labels(targets, targets, none, logits.dim(1), logits.dtype());
  const Tensor of_classes = score == ClassScore::logit         ? logits
                            : score == ClassScore::probability ? softmax(logits)
                                                               : log_softmax(logits);
  return sum(of_classes * chosen, {1});
}

Tensor input_gradient(Module& network, const Tensor& x, const Tensor& targets, ClassScore score,
                      Tensor* logits) {
  const EvalMode eval(network);
  const Tensor leaf = x.clone();
  require_grad(leaf);
  const Tensor answer = forward_float(network, leaf);
  if (logits) *logits = answer.detach();
  return grad_of(sum(scores(answer, targets, score)), {leaf})[0];
}

Tensor scores_of(Module& network, const Tensor& x, const Tensor& targets, ClassScore score) {
  const EvalMode eval(network);
  const NoGrad no_grad;
  return scores(forward_float(network, x), targets, score);
}

Tensor repeated_label(int32_t label, int64_t count, Device device) {
  return Tensor::full({count}, label, DType::int32, device);
}

}  // namespace tweed
