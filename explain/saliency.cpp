#include "explain/saliency.h"

#include "autograd/argmax.h"
#include "autograd/elementwise.h"
#include "autograd/reduce.h"
#include "nn/eval_mode.h"
#include "nn/forward_float.h"

namespace tweed {

Saliency saliency(Module& network, const Tensor& x) {
  if (x.ndim() != 4) fail("saliency", "x is ", x.shape(), ", not (N, H, W, C)");
  const EvalMode eval(network);
  const Tensor leaf = x.clone();
  require_grad(leaf);
  const Tensor logits = forward_float(network, leaf);
  Saliency result{.logits = logits.detach(), .predicted = argmax(logits.detach()), .map = {}};
  const Tensor score = sum(scores(logits, result.predicted, ClassScore::log_probability));
  result.map = largest_of_channels(grad_of(score, {leaf})[0]);
  return result;
}

Tensor input_x_gradient(Module& network, const Tensor& x, const Tensor& targets, ClassScore score) {
  return x.detach() * input_gradient(network, x, targets, score);
}

Tensor largest_of_channels(const Tensor& t) { return max(abs(t), {3}); }
Tensor sum_of_channels(const Tensor& t) { return sum(t, {3}); }

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
