#include "explain/occlusion.h"

#include <algorithm>

#include "autograd/elementwise.h"
#include "autograd/reduce.h"
#include "autograd/shape_ops.h"
#include "explain/integrated.h"

namespace tweed {
namespace {

struct Corner {
  int64_t top, left;
};

// Where windows begin, so that the last of a row or column reaches the border.
std::vector<Corner> corners(int64_t height, int64_t width, int64_t window, int64_t stride) {
  const auto starts = [&](int64_t size) { return (size - window + stride - 1) / stride + 1; };
  std::vector<Corner> all;
  for (int64_t i = 0; i < starts(height); ++i)
    for (int64_t j = 0; j < starts(width); ++j) all.push_back({i * stride, j * stride});
  return all;
}

// 1 inside each window: (windows, H, W, 1).
Tensor masks(const Corner* first, int64_t count, int64_t window, const Tensor& x) {
  const int64_t H = x.dim(1), W = x.dim(2);
  std::vector<float> values(std::size_t(count * H * W), 0);
  for (int64_t k = 0; k < count; ++k)
    for (int64_t i = first[k].top; i < std::min(H, first[k].top + window); ++i)
      for (int64_t j = first[k].left; j < std::min(W, first[k].left + window); ++j)
        values[std::size_t((k * H + i) * W + j)] = 1;
  return Tensor::from(values, {count, H, W, 1}).to(x.dtype()).to(x.device());
}

Tensor occluded_one(Module& network, const Tensor& x, int32_t target, const ExplainOptions& options,
                    int64_t window, const std::vector<Corner>& places) {
  const ClassScore score = options.score.value_or(ClassScore::logit);
  const Tensor cover = baseline_for(x, options) - x;
  const Tensor whole = scores_of(network, x, repeated_label(target, 1, x.device()), score);
  const Tensor total = Tensor::zeros({1, x.dim(1), x.dim(2), 1}, x.dtype(), x.device());
  const Tensor times = Tensor::zeros_like(total);
  for (std::size_t first = 0; first < places.size() && !options.stopped();
       first += std::size_t(options.at_once)) {
    const auto count = std::min<int64_t>(options.at_once, int64_t(places.size() - first));
    const Tensor mask = masks(&places[first], count, window, x);
    const Shape several{count, x.dim(1), x.dim(2), x.dim(3)};
    const Tensor covered = expand(x, several) + expand(cover, several) * mask;
    const Tensor left =
        scores_of(network, covered, repeated_label(target, count, x.device()), score);
    const Tensor lost = whole - left;
    accumulate(total, sum(mask * lost.reshape({count, 1, 1, 1}), {0}, true));
    accumulate(times, sum(mask, {0}, true));
  }
  return (total / times).reshape({1, x.dim(1), x.dim(2)});
}

}  // namespace

Tensor occlusion(Module& network, const Tensor& x, const Tensor& targets,
                 const ExplainOptions& options) {
  const int64_t side = std::min(x.dim(1), x.dim(2));
  const int64_t window = options.window ? options.window : std::max<int64_t>(1, side / 8);
  const int64_t stride = options.stride ? options.stride : std::max<int64_t>(1, window / 2);
  if (window > side)
    throw Error("a window of " + std::to_string(window) + " pixels is larger than the image, " +
                std::to_string(side));
  if (stride > window)
    throw Error("windows of " + std::to_string(window) + " pixels, " + std::to_string(stride) +
                " apart, leave pixels out");
  const auto places = corners(x.dim(1), x.dim(2), window, stride);
  const auto labels = targets.to_vector<int32_t>();
  std::vector<Tensor> all;
  const NoGrad no_grad;
  for (int64_t n = 0; n < x.dim(0); ++n)
    all.push_back(occluded_one(network, x.detach().slice(n, n + 1), labels.at(std::size_t(n)),
                               options, window, places));
  return concat(all, 0);
}

}  // namespace tweed
