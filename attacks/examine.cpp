#include "attacks/examine.h"

#include <algorithm>
#include <cmath>

#include "attacks/ball.h"
#include "attacks/square.h"
#include "autograd/elementwise.h"
#include "autograd/loss.h"
#include "nn/forward_float.h"

namespace tweed {
namespace {

constexpr uint32_t draws_of_self_test = 8000;

std::vector<float> gradient_at(Module& network, const Tensor& x, const Tensor& labels) {
  const Tensor leaf = x.detach();
  require_grad(leaf);
  return grad_of(cross_entropy(forward_float(network, leaf), labels), {leaf})[0].to_vector<float>();
}

// The share of places where both have a sign, and the same.
double agreement(const std::vector<float>& a, const std::vector<float>& b) {
  double both = 0, same = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] == 0 || b[i] == 0) continue;
    ++both;
    same += (a[i] > 0) == (b[i] > 0);
  }
  return both > 0 ? same / both : 0;
}

// Equal to a hundredth.
double share_of_equal(const std::vector<float>& a, const std::vector<float>& b) {
  double equal = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    equal += std::abs(a[i] - b[i]) <= 0.01f * std::abs(b[i]) + 1e-6f;
  return a.empty() ? 0 : equal / double(a.size());
}

double percent_right(Module& network, const Tensor& x, const Tensor& labels) {
  return 100 * right_answers(network, x, labels) / double(std::max<int64_t>(1, x.dim(0)));
}

}  // namespace

double right_answers(Module& network, const Tensor& x, const Tensor& labels) {
  NoGrad no_grad;
  auto ranks = target_ranks(forward_float(network, x), labels).to_vector<int32_t>();
  return double(std::count(ranks.begin(), ranks.end(), 0));
}

Tensor noise_of_sizes(const Tensor& x, const std::vector<double>& sizes, const AttackSpace& space,
                      uint64_t seed, uint32_t batch) {
  Draws draws(seed, {.step = batch}, draws_of_self_test);
  const Norm norm = space.norm == Norm::linf ? Norm::l2 : space.norm;
  const Tensor way = random_change(x, 1, norm, draws, true);
  const Tensor size =
      Tensor::from(std::vector<float>(sizes.begin(), sizes.end()), {x.dim(0), 1, 1, 1}, x.device());
  const Tensor unit = channels(space.unit, x.device());
  return maximum(minimum(x + way * size / unit, channels(space.hi, x.device())),
                 channels(space.lo, x.device()));
}

AttackSpace without_eps(AttackSpace space) {
  space = with_eps(space, std::numeric_limits<double>::infinity());
  space.norm = Norm::linf;
  return space;
}

double Closer::zero_gradients() const {
  const auto gradient = gradient_at(network, x, labels);
  return 100 * double(std::count(gradient.begin(), gradient.end(), 0.f)) /
         double(std::max<std::size_t>(1, gradient.size()));
}

bool Closer::is_frozen() const {
  PgdOptions from_image = options, once = options;
  from_image.random_start = once.random_start = false;
  from_image.restarts = once.restarts = 1;
  once.steps = 1;
  once.space = with_step(options.space, options.steps * options.space.stride);
  const Tensor changed = attack(network, x, labels, from_image, 0).images;
  const Tensor in_one = attack(network, x, labels, once, 0).images;
  return share_of_equal((changed - x).to_vector<float>(), (in_one - x).to_vector<float>()) >
             0.9995 &&
         agreement(gradient_at(network, changed, labels), gradient_at(network, x, labels)) < 0.98;
}

double Closer::attacked() const {
  return percent_right(network, attack(network, x, labels, options, 0).images, labels);
}

double Closer::black_box() const {
  const PixelView view(network, x, options);
  Draws draws(options.seed, {}, draws_of_self_test + 16);
  const Attempt attempt = square(view, labels, {}, draws, {.queries = 100});
  return percent_right(network, view.images(attempt.pixels), labels);
}

double Closer::unbounded() const {
  PgdOptions far = options;
  const double values = double(x.size() / std::max<int64_t>(1, x.dim(0)));
  const double side = keeps_pixels(options.space) ? 1 : 10;
  const Norm norm = options.space.norm;
  const double radius = side * (norm == Norm::linf ? 1
                                : norm == Norm::l2 ? std::sqrt(values)
                                                   : values);
  far.space = with_step(with_eps(far.space, radius), radius / 4);
  far.steps = std::max(options.steps, 20);
  return percent_right(network, attack(network, x, labels, far, 0).images, labels);
}

}  // namespace tweed
