// The losses of TRADES and MART, from a network's answers to images and to attacked ones.
#pragma once
#include "autograd/graph.h"

namespace tweed {

/// The Kullback-Leibler divergence of the answers q to attacked images from those p to clean ones,
/// for each image: the sum over classes of p (log p - log q). Its gradients are finite where p
/// underflows to 0.
/// @param clean, attacked  (N, classes), logits
/// @return                 (N)
Tensor divergences(const Tensor& clean, const Tensor& attacked);

/// Cross-entropy of clean answers + beta times the mean of divergences().
/// @param labels  (N), int32
/// Source: Zhang et al. 2019, arXiv:1901.08573
Tensor trades_loss(const Tensor& clean, const Tensor& attacked, const Tensor& labels, double beta);

/// With p and q as above, y the label and k the likeliest wrong class of q, the mean over images of
///
///   -log q[y] - log(1.0001 - q[k]) + lambda (1.0000001 - p[y]) divergence
///
/// in which images that the network gets wrong anyway weigh more (the small numbers are the
/// authors'). Where wrong classes are equally likely they share the gradient.
/// Source: Wang et al. 2020, "Improving adversarial robustness requires revisiting misclassified
/// examples", ICLR
Tensor mart_loss(const Tensor& clean, const Tensor& attacked, const Tensor& labels, double lambda);

}  // namespace tweed
