// Softmax, losses over classes, and counts of right answers.
#pragma once
#include "autograd/graph.h"

namespace tweed {

/// exp(x) divided by its sum over the last axis. @param x (..., classes). Saves the result.
Tensor softmax(const Tensor& x);
/// log(softmax(x)), without its overflow and cancellation. Saves the result.
Tensor log_softmax(const Tensor& x);

/// The mean over N of -log softmax(logits)[target]; NaN if N is 0.
///
/// @param logits   (N, classes)
/// @param targets  (N), int32
/// @return         (), logits' dtype
/// @throws ShapeError  "[cross_entropy] target 7 of row 2 is out of range for 5 classes"; on `cuda`
///                     the loss is NaN instead, since looking would wait for the device
/// Saves logits and targets.
Tensor cross_entropy(const Tensor& logits, const Tensor& targets);

/// How many classes come before the target of each row, by larger logit and then by smaller index:
/// 0 means top-1, less than 5 means top-5. Not recorded.
///
/// @param logits, targets  as for cross_entropy()
/// @return                 (N), int32; `classes` where the target's logit is NaN
Tensor target_ranks(const Tensor& logits, const Tensor& targets);

/// The number of rows whose rank is below k.
int64_t count_top(const Tensor& ranks, int k);

}  // namespace tweed
