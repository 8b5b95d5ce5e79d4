// What a network's last layer sees of images, and a linear classifier on that: the quickest way to
// use a network that somebody else has trained.
#pragma once
#include "nn/module.h"
#include "train/evaluate.h"

namespace tweed {

/// On the cpu, in the order of the data set; fewer if it was cancelled.
struct Features {
  Tensor values;  ///< (N, C) float32: the input of the layer that head_name() names
  Tensor logits;  ///< (N, classes) float32: what the network answers
  Tensor labels;  ///< (N) int32
};

/// Features of every image, without augmentation. Where the last layer is a convolution, they are
/// the averages over the map that it sees.
Features features_on(Module& network, const Dataset& data, const EvaluateOptions& options);

/// Each row of (N, C) divided by its Euclidean length; a row of zeros stays.
Tensor unit_rows(const Tensor& values);

struct LinearTraining {
  double lr = 10;  ///< the largest; rows of length 1 want a large one
  double weight_decay = 1e-6;
  int64_t epochs = 30, batch_size = 128;
  uint64_t seed = 0;
};
/// Trains a linear layer by cross-entropy and SGD with Nesterov's momentum of 0.9, the rate falling
/// as a cosine. @param values  (N, C);   @param labels  (N), below `classes`
/// @throws Error  if what it learns is no longer finite
ModulePtr train_linear(const Tensor& values, const Tensor& labels, int64_t classes,
                       const LinearTraining& options);

/// Per cent of the rows of `logits` whose largest number is at the label: of all, and the mean over
/// the classes that there are.
struct ClassAccuracy {
  double top1 = 0, class_mean = 0;
};
ClassAccuracy class_accuracy(const Tensor& logits, const Tensor& labels);

}  // namespace tweed
