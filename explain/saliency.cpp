#include "explain/saliency.h"

#include <algorithm>
#include <cmath>

#include "autograd/argmax.h"
#include "autograd/loss.h"
#include "nn/eval_mode.h"
#include "nn/forward_float.h"

namespace tweed {

Saliency saliency(Module& network, const Tensor& x) {
  if (x.ndim() != 4) fail("saliency", "x is ", x.shape(), ", not (N, H, W, C)");
  EvalMode eval(network);
  Tensor leaf = x.clone();
  require_grad(leaf);
  Saliency result;
  Tensor logits = forward_float(network, leaf);
  result.logits = logits.detach();
  result.predicted = argmax(result.logits);
  // cross_entropy is a mean over the batch; starting from N makes each image's own gradient.
  Tensor loss = cross_entropy(logits, result.predicted);
  Tensor start = Tensor::full(loss.shape(), double(x.dim(0)), loss.dtype(), loss.device());
  auto gradient = grad_of(loss, {leaf}, false, start)[0].to_doubles();

  int64_t channels = x.dim(3);
  std::vector<float> map(std::size_t(x.size() / channels));
  for (std::size_t i = 0; i < map.size(); ++i)
    for (int64_t c = 0; c < channels; ++c)
      map[i] =
          std::max(map[i], float(std::abs(gradient[i * std::size_t(channels) + std::size_t(c)])));
  result.map = Tensor::from(map, {x.dim(0), x.dim(1), x.dim(2)});
  return result;
}

Image saliency_overlay(const Image& image, const Tensor& map, double times) {
  const Shape size{image.height, image.width};
  if (map.shape() != size && map.shape() != Shape{1, size[0], size[1]})
    fail("saliency_overlay", "the map is ", map.shape(), ", the image ", size);
  auto values = map.to_doubles();
  double mean = 0;
  for (double v : values) mean += v / double(values.size());
  Image result = image;
  for (std::size_t i = 0; i < values.size(); ++i)
    if (values[i] > times * mean) {
      result.pixels[3 * i] = 255;
      result.pixels[3 * i + 1] = result.pixels[3 * i + 2] = 0;
    }
  return result;
}

}  // namespace tweed
