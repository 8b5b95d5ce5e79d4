#include "explain/smooth_grad.h"

#include <algorithm>

#include "autograd/elementwise.h"
#include "autograd/reduce.h"
#include "autograd/shape_ops.h"
#include "kernels/philox.h"

namespace tweed {

NoiseSource normal_noise(const Tensor& x, const ExplainOptions& options) {
  const NoGrad no_grad;
  const Tensor range = max(x.detach(), {1, 2, 3}) - min(x.detach(), {1, 2, 3});
  const auto ranges = range.to_doubles();
  return [options, ranges, x](int64_t image, int64_t first, int64_t count) {
    const double deviation = options.noise * ranges.at(std::size_t(image));
    std::vector<float> values;
    for (int64_t copy = first; copy < first + count; ++copy) {
      Random random(options.seed, Purpose::explain, uint32_t(image), uint32_t(copy));
      for (int64_t i = 0; i < x.shape().product(1, 4); ++i)
        values.push_back(float(deviation * double(random.normal())));
    }
    return Tensor::from(values, {count, x.dim(1), x.dim(2), x.dim(3)}).to(x.dtype()).to(x.device());
  };
}

namespace {

// Moments that grow by whole batches, without the cancellation of a difference of squares.
// Source: Chan, Golub, LeVeque 1979, "Updating formulae and a pairwise algorithm for computing
// sample variances"
class Running {
 public:
  explicit Running(const Tensor& like)
      : mean_(Tensor::zeros_like(like)), squares_(Tensor::zeros_like(like)) {}

  void add(const Tensor& batch) {  // (K, H, W, C)
    const auto k = double(batch.dim(0)), n = double(count_), all = n + k;
    const Tensor away = mean(batch, {0}, true) - mean_;
    mean_ = mean_ + away * (k / all);
    squares_ = squares_ + var(batch, {0}, true, 0) * k + away * away * (n * k / all);
    count_ += batch.dim(0);
  }
  GradientMoments result() const {
    return {mean_, squares_ / double(std::max<int64_t>(1, count_))};
  }

 private:
  Tensor mean_, squares_;
  int64_t count_ = 0;
};

}  // namespace

static GradientMoments moments_of_one(Module& network, const Tensor& x, int64_t image,
                                      int32_t target, const ExplainOptions& options,
                                      const NoiseSource& noise) {
  const ClassScore score = options.score.value_or(ClassScore::logit);
  Running running(x);
  for (int64_t first = 0; first < options.samples && !options.stopped(); first += options.at_once) {
    const int64_t count = std::min(options.at_once, options.samples - first);
    running.add(input_gradient(network, x + noise(image, first, count),
                               repeated_label(target, count, x.device()), score));
  }
  return running.result();
}

GradientMoments smooth_gradients(Module& network, const Tensor& x, const Tensor& targets,
                                 const ExplainOptions& options, NoiseSource noise) {
  if (options.samples < 1 || options.at_once < 1)
    throw Error("SmoothGrad needs a sample and an image at once, at least");
  if (!noise) noise = normal_noise(x, options);
  const auto labels = targets.to_vector<int32_t>();
  std::vector<Tensor> means, variances;
  for (int64_t n = 0; n < x.dim(0); ++n) {
    const GradientMoments one = moments_of_one(network, x.detach().slice(n, n + 1), n,
                                               labels.at(std::size_t(n)), options, noise);
    means.push_back(one.mean);
    variances.push_back(one.variance);
  }
  return {concat(means, 0), concat(variances, 0)};
}

}  // namespace tweed
