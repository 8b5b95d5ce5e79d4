#pragma once
#include <functional>
#include <vector>

namespace tweed::exercise {

using Image = std::vector<float>;  // pixels from 0 to 1
/// The gradient of the true label's loss with respect to an image.
using GradientOf = std::function<Image(const Image&)>;

/// Changes x so that the loss rises: `steps` times a step of each pixel in its gradient's
/// direction, and back to within eps of x and into 0..1.
Image pgd(const Image& x, const GradientOf& gradient_of, float eps, float step, int steps);

}  // namespace tweed::exercise
