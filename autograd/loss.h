// Softmax, losses over classes, and counts of right answers.
//
// Rows are those of all leading axes: (N, classes), or (N, H, W, classes) with targets (N, H, W).
#pragma once
#include <optional>

#include "autograd/graph.h"

namespace tweed {

/// exp(x) divided by its sum over the last axis. @param x (..., classes). Saves the result.
Tensor softmax(const Tensor& x);
/// log(softmax(x)), without its overflow and cancellation. Saves the result.
Tensor log_softmax(const Tensor& x);

/// What is made of the losses of rows or elements: their mean, which is NaN if there are none,
/// their sum, or nothing.
enum class Reduce : uint8_t { mean, sum, none };

struct CrossEntropyOptions {
  double label_smoothing = 0;  ///< in [0, 1]: the part that is spread evenly over all classes
  Tensor class_weights = {};   ///< (classes), logits' dtype; by default all 1
  Reduce reduce = Reduce::mean;
  /// Rows with this target have a loss of 0, count for nothing in the mean, and get no gradient,
  /// whatever their logits. PyTorch's default is -100; here no target is ignored unless asked for.
  std::optional<int32_t> ignore_index = {};
};

/// -log softmax(logits)[target] of each row.
///
/// With class weights w and smoothing s the loss of row n is, as in PyTorch,
///
///   sum over c of w[c] ((1 - s) [c = target[n]] + s / classes) (-log softmax(logits[n])[c])
///
/// and the mean divides the losses' sum by that of w[target[n]] over the rows that are not ignored.
///
/// @param logits   (..., classes)
/// @param targets  (...), int32
/// @return         (), logits' dtype; with Reduce::none targets' shape
/// @throws ShapeError  "[cross_entropy] target 7 of row 2 is out of range for 5 classes"; on `cuda`
///                     the loss is NaN instead, since looking would wait for the device
/// Saves logits, targets, weights and their sum; weights get no gradient.
/// Source of smoothing: Szegedy et al. 2015, arXiv:1512.00567
Tensor cross_entropy(const Tensor& logits, const Tensor& targets,
                     const CrossEntropyOptions& options = {});

/// Cross-entropy with a distribution over classes for each row, such as those of mixup or of a
/// teacher. With w and s as above the loss of row n is, as in PyTorch,
///
///   sum over c of w[c] ((1 - s) p[n, c] + s / classes) (-log softmax(logits[n])[c])
///
/// and the mean divides by the number of rows, whatever the weights.
///
/// @param logits         (..., classes)
/// @param probabilities  logits' shape and dtype; rows need not add up to 1
/// @param options        without ignore_index
/// @return               as for cross_entropy(); NaN where 0 meets a logit of -infinity
/// Saves logits, probabilities and weights; only logits get a gradient.
Tensor cross_entropy_soft(const Tensor& logits, const Tensor& probabilities,
                          const CrossEntropyOptions& options = {});

struct NllOptions {
  Tensor class_weights = {};  ///< as those of CrossEntropyOptions
  Reduce reduce = Reduce::mean;
  std::optional<int32_t> ignore_index = {};
};
/// -w[target] log_p[target] of each row: what cross_entropy() makes of log_softmax(logits).
///
/// @param log_p    (..., classes)
/// @param targets  (...), int32
/// @return         (), log_p's dtype; with Reduce::none targets' shape
/// @throws ShapeError  as cross_entropy()
/// Saves targets, weights and their sum.
Tensor nll_loss(const Tensor& log_p, const Tensor& targets, const NllOptions& options = {});

struct MultiMarginOptions {
  int p = 1;  ///< or 2
  double margin = 1;
  Tensor class_weights = {};  ///< (classes), logits' dtype; by default all 1
  Reduce reduce = Reduce::mean;
};
/// The hinge loss of several classes, PyTorch's MultiMarginLoss. The loss of row n, t its target,
/// is
///
///   w[t] / classes times the sum over all c but t of max(0, margin - x[n, t] + x[n, c])^p
///
/// Courses that call it the SVM loss often do not divide by the classes. The mean divides by the
/// number of rows. A NaN is passed on, which PyTorch takes for no violation.
///
/// @param x        (..., classes), such as logits
/// @param targets  (...), int32
/// @return         (), x's dtype; with Reduce::none targets' shape
/// @throws ShapeError  as cross_entropy(); "[multi_margin_loss] p is 3, not 1 or 2"
/// Saves x, targets and weights. Source: Crammer, Singer 2001; Weston, Watkins 1999
Tensor multi_margin_loss(const Tensor& x, const Tensor& targets,
                         const MultiMarginOptions& options = {});

/// Two labels of each row as probabilities, for cross_entropy_soft(): 1 - share of the first and
/// share of the second, as mixup (arXiv:1710.09412) and CutMix (arXiv:1905.04899) have them. Not
/// recorded.
///
/// @param first, second  (N), int32
/// @param share          (N), float32, in [0, 1]
/// @return               (N, classes), dtype; a label that is out of range has no place in its row
Tensor mixed_labels(const Tensor& first, const Tensor& second, const Tensor& share, int64_t classes,
                    DType dtype = DType::float32);

/// (x - y)^2 and |x - y| of each element. The slope of the second at 0 is 0.
///
/// @param x, y  equal shapes, dtypes and devices
/// @return      (), x's dtype; with Reduce::none x's shape
/// Save x and y.
Tensor mse_loss(const Tensor& x, const Tensor& y, Reduce reduce = Reduce::mean);
Tensor l1_loss(const Tensor& x, const Tensor& y, Reduce reduce = Reduce::mean);
/// (x - y)^2 / (2 beta) where |x - y| < beta, else |x - y| - beta / 2: PyTorch's smooth_l1_loss.
/// @param beta  not negative; l1_loss() if it is 0
/// @throws ShapeError  "[smooth_l1_loss] beta is -1, not a number from 0 on"
/// Saves x and y. Source: Girshick 2015, arXiv:1504.08083
Tensor smooth_l1_loss(const Tensor& x, const Tensor& y, double beta = 1,
                      Reduce reduce = Reduce::mean);

struct BceOptions {
  Tensor weight = {};      ///< a factor of each element's loss; its shape broadcasts to the logits'
  Tensor pos_weight = {};  ///< what positive answers count with; broadcasts, such as (classes)
  Reduce reduce = Reduce::mean;
};
/// Binary cross-entropy of a logit x with a probability y, where s(x) = 1 / (1 + exp(-x)):
///
///   weight (-pos_weight y log s(x) - (1 - y) log(1 - s(x)))
///
/// The mean divides by the number of elements, whatever the weights.
///
/// @param logits, targets  equal shapes, dtypes and devices
/// @return                 (), logits' dtype; with Reduce::none logits' shape
/// @throws ShapeError      "[bce_with_logits] pos_weight is (3), logits are (8, 5)"
/// Saves logits, targets and weights; weights get no gradient.
Tensor bce_with_logits(const Tensor& logits, const Tensor& targets, const BceOptions& options = {});

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
/// @param logits   (..., classes), 2 to 2^24 classes
/// @param targets  (...), int32; range as for cross_entropy()
/// @param kappa    not negative; in units of logits
/// @return         (), logits' dtype; NaN if N is 0
/// Saves targets and the index of each row's largest other. Source: arXiv:1608.04644
Tensor margin_loss(const Tensor& logits, const Tensor& targets, double kappa = 0,
                   bool targeted = false);

/// How many classes come before the target of each row, by larger logit and then by smaller index:
/// 0 means top-1, less than 5 means top-5. Not recorded.
///
/// @param logits, targets  as for cross_entropy()
/// @return                 targets' shape, int32; `classes` where the target's logit is NaN
Tensor target_ranks(const Tensor& logits, const Tensor& targets);

/// The number of rows whose rank is below k.
int64_t count_top(const Tensor& ranks, int k);

}  // namespace tweed
