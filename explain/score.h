// What a map explains: a number that a network gives each image.
#pragma once
#include <string>
#include <vector>

#include "nn/module.h"

namespace tweed {

/// Of the target class: its logit; its probability, by softmax, which the other classes have a part
/// in; or the logarithm of that. This last is the cross-entropy loss but for its sign, so that its
/// absolute gradient is that of the loss, which the coursework's saliency takes.
enum class ClassScore { logit, probability, log_probability };
std::vector<std::string> score_names();
/// @throws Error  naming what there is
ClassScore parse_score(const std::string& name);

/// @param logits   (N, classes)
/// @param targets  (N), int32
/// @return         (N)
Tensor scores(const Tensor& logits, const Tensor& targets, ClassScore score);

/// The gradient of each image's score with respect to that image, by one pass back, to the input
/// only.
///
/// @param network  in eval mode while this runs, so that images of a batch have no part in one
///                 another; its mode is restored
/// @param x        (N, H, W, C), on the network's device
/// @param targets  (N), int32
/// @param logits   gets the network's answer, unless null
/// @return         x's shape
Tensor input_gradient(Module& network, const Tensor& x, const Tensor& targets, ClassScore score,
                      Tensor* logits = nullptr);

/// The scores of images as above, without gradients: (N).
Tensor scores_of(Module& network, const Tensor& x, const Tensor& targets, ClassScore score);

/// The same label for `count` images, (count), int32.
Tensor repeated_label(int32_t label, int64_t count, Device device);

}  // namespace tweed
