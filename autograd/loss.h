// Softmax, losses over classes, and counts of right answers.
#pragma once
#include "autograd/graph.h"

namespace tweed {

/// exp(x) divided by its sum over the last axis. @param x (..., classes). Saves the result.
Tensor softmax(const Tensor& x);
/// log(softmax(x)), without its overflow and cancellation. Saves the result.
Tensor log_softmax(const Tensor& x);

struct CrossEntropyOptions {
  double label_smoothing = 0;  ///< in [0, 1]: the part that is spread evenly over all classes
  Tensor class_weights = {};   ///< (classes), logits' dtype; by default all 1
};

/// The mean over N of -log softmax(logits)[target]; NaN if N is 0.
///
/// With class weights w and smoothing s it is, as in PyTorch,
///
///   sum over n, c of w[c] ((1 - s) [c = target[n]] + s / classes) (-log softmax(logits[n])[c])
///
/// divided by the sum over n of w[target[n]].
///
/// @param logits   (N, classes)
/// @param targets  (N), int32
/// @return         (), logits' dtype
/// @throws ShapeError  "[cross_entropy] target 7 of row 2 is out of range for 5 classes"; on `cuda`
///                     the loss is NaN instead, since looking would wait for the device
/// Saves logits, targets and weights; weights get no gradient.
/// Source of smoothing: Szegedy et al. 2015, arXiv:1512.00567
Tensor cross_entropy(const Tensor& logits, const Tensor& targets,
                     const CrossEntropyOptions& options = {});

/// Cross-entropy with a distribution over classes for each row, such as those of mixup or of a
/// teacher. With w and s as above, as in PyTorch,
///
///   sum over n, c of w[c] ((1 - s) p[n, c] + s / classes) (-log softmax(logits[n])[c]) / N
///
/// @param logits         (N, classes)
/// @param probabilities  (N, classes), logits' dtype; rows need not add up to 1
/// @return               (), logits' dtype; NaN if N is 0, or where 0 meets a logit of -infinity
/// Saves logits, probabilities and weights; only logits get a gradient.
Tensor cross_entropy_soft(const Tensor& logits, const Tensor& probabilities,
                          const CrossEntropyOptions& options = {});

/// Two labels of each row as probabilities, for cross_entropy_soft(): 1 - share of the first and
/// share of the second, as mixup (arXiv:1710.09412) and CutMix (arXiv:1905.04899) have them. Not
/// recorded.
///
/// @param first, second  (N), int32
/// @param share          (N), float32, in [0, 1]
/// @return               (N, classes), dtype; a label that is out of range has no place in its row
Tensor mixed_labels(const Tensor& first, const Tensor& second, const Tensor& share, int64_t classes,
                    DType dtype = DType::float32);

/// The mean over all elements of (x - y)^2; NaN if there are none.
///
/// @param x, y  equal shapes, dtypes and devices
/// @return      (), x's dtype
/// Saves x and y.
Tensor mse_loss(const Tensor& x, const Tensor& y);

/// The Kullback-Leibler divergence of q from p, summed over all elements and divided by N:
/// PyTorch's kl_div(log_q, p) with reduction "batchmean".
///
///   sum of p (log p - log_q) / N,   0 log 0 = 0
///
/// @param log_q  (N, ...), for instance of log_softmax()
/// @param p      log_q's shape and dtype, not negative
/// @return       (), log_q's dtype; NaN if N is 0, or where p = 0 meets log_q = -infinity
/// Saves both. The gradient to p is NaN where p is 0, as in PyTorch.
Tensor kl_div(const Tensor& log_q, const Tensor& p);

/// The loss f6 of Carlini and Wagner: the mean over N of max(m, -kappa), where m is
///
///   logit of the target - largest other logit    by default: going down leaves the target's class
///   largest other logit - logit of the target    if targeted: going down makes it the target
///
/// Once the row has won by kappa its gradient is 0; at m = -kappa it is still that of m. Of equal
/// largest others the first gets the gradient.
///
/// @param logits   (N, classes), 2 to 2^24 classes
/// @param targets  (N), int32; range as for cross_entropy()
/// @param kappa    not negative; in units of logits
/// @return         (), logits' dtype; NaN if N is 0
/// Saves targets and the index of each row's largest other. Source: arXiv:1608.04644
Tensor margin_loss(const Tensor& logits, const Tensor& targets, double kappa = 0,
                   bool targeted = false);

/// How many classes come before the target of each row, by larger logit and then by smaller index:
/// 0 means top-1, less than 5 means top-5. Not recorded.
///
/// @param logits, targets  as for cross_entropy()
/// @return                 (N), int32; `classes` where the target's logit is NaN
Tensor target_ranks(const Tensor& logits, const Tensor& targets);

/// The number of rows whose rank is below k.
int64_t count_top(const Tensor& ranks, int k);

}  // namespace tweed
