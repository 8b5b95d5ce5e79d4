#include "train/defence_losses.h"

#include "autograd/elementwise.h"
#include "autograd/loss.h"
#include "autograd/reduce.h"

namespace tweed {

Tensor divergences(const Tensor& clean, const Tensor& attacked) {
  const Tensor log_p = log_softmax(clean);
  return sum(exp(log_p) * (log_p - log_softmax(attacked)), {1});
}

Tensor trades_loss(const Tensor& clean, const Tensor& attacked, const Tensor& labels, double beta) {
  return cross_entropy(clean, labels) + beta * mean(divergences(clean, attacked));
}

Tensor mart_loss(const Tensor& clean, const Tensor& attacked, const Tensor& labels, double lambda) {
  const Tensor none = Tensor::zeros(labels.shape(), DType::float32, labels.device());
  const Tensor own = mixed_labels(labels, labels, none, clean.dim(1), clean.dtype());
  const Tensor likeliest_other = max(softmax(attacked) * (1 - own), {1});
  const Tensor doubt = 1.0000001 - sum(softmax(clean) * own, {1});
  return cross_entropy(attacked, labels) +
         mean(lambda * (doubt * divergences(clean, attacked)) - log(1.0001 - likeliest_other));
}

}  // namespace tweed
