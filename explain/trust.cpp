#include "explain/trust.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "autograd/elementwise.h"
#include "autograd/pool.h"
#include "autograd/reduce.h"
#include "explain/integrated.h"
#include "kernels/philox.h"

namespace tweed {
namespace {

using Order = std::vector<std::size_t>;

Order falling(const std::vector<double>& values) {
  Order order(values.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return values[a] > values[b]; });
  return order;
}

// Means over windows, three times: near to a Gaussian.
Tensor blurred(const Tensor& x) {
  const int64_t radius = std::max<int64_t>(1, std::min(x.dim(1), x.dim(2)) / 10);
  Tensor y = x;
  for (int i = 0; i < 3; ++i)
    y = avg_pool2d(y, 2 * radius + 1, {.stride = 1, .padding = radius, .count_include_pad = false});
  return y;
}

// Probabilities of the target while `from` becomes `to`, in order.
std::vector<double> followed(Module& network, const Tensor& from, const Tensor& to, int32_t target,
                             const Order& order, int64_t parts, const ExplainOptions& options) {
  const auto pixels = int64_t(order.size());
  std::vector<double> curve;
  std::vector<float> mask(order.size(), 0), masks;
  for (int64_t i = 0, changed = 0; i <= parts && !options.stopped(); ++i) {
    for (; changed < pixels * i / parts; ++changed) mask[order[std::size_t(changed)]] = 1;
    masks.insert(masks.end(), mask.begin(), mask.end());
    const auto count = int64_t(masks.size()) / pixels;
    if (count < options.at_once && i < parts) continue;
    const Shape several{count, from.dim(1), from.dim(2), from.dim(3)};
    const Tensor share = Tensor::from(masks, {count, from.dim(1), from.dim(2), 1})
                             .to(from.dtype())
                             .to(from.device());
    const Tensor images = expand(from, several) + expand(to - from, several) * share;
    for (double p : scores_of(network, images, repeated_label(target, count, from.device()),
                              ClassScore::probability)
                        .to_doubles())
      curve.push_back(p);
    masks.clear();
  }
  return curve;
}

// The weights as they were, at the end of its life.
class KeptState {
 public:
  explicit KeptState(const Module& network) : state_(network.state()) {
    for (auto& named : state_) copies_.push_back(named.tensor.detach().clone());
  }
  ~KeptState() {
    for (std::size_t i = 0; i < state_.size(); ++i) state_[i].tensor.copy_from(copies_[i]);
  }
  KeptState(const KeptState&) = delete;
  KeptState& operator=(const KeptState&) = delete;

 private:
  std::vector<Named> state_;
  std::vector<Tensor> copies_;
};

void shuffle(const Tensor& t, uint32_t number) {
  auto values = t.to_doubles();
  Random random(0, Purpose::explain, number);
  for (std::size_t i = values.size(); i > 1; --i)
    std::swap(values[i - 1], values[random.below(uint32_t(i))]);
  t.copy_from(Tensor::from(values, t.shape()));
}

// A layer's name and its own parameters, for all layers that have some, the last first.
std::vector<std::pair<std::string, std::vector<Tensor>>> layers_backwards(Module& network) {
  std::vector<std::pair<std::string, std::vector<Tensor>>> layers;
  for (auto& [name, t] : network.parameters()) {
    const std::string layer = name.substr(0, name.rfind('.'));
    if (layers.empty() || layers.back().first != layer) layers.push_back({layer, {}});
    layers.back().second.push_back(t);
  }
  std::reverse(layers.begin(), layers.end());
  return layers;
}

std::vector<double> ranks(const std::vector<double>& values) {
  const Order order = falling(values);
  std::vector<double> rank(values.size());
  for (std::size_t i = 0, end; i < order.size(); i = end) {
    for (end = i; end < order.size() && values[order[end]] == values[order[i]];) ++end;
    for (std::size_t k = i; k < end; ++k) rank[order[k]] = double(i + end - 1) / 2;
  }
  return rank;
}

}  // namespace

TrustCurves trust_curves(Module& network, const Tensor& x, int32_t target, const Tensor& map,
                         int64_t parts, const ExplainOptions& options) {
  if (x.ndim() != 4 || x.dim(0) != 1 || map.size() != x.dim(1) * x.dim(2))
    fail("trust_curves", "the image is ", x.shape(), ", the map ", map.shape());
  const NoGrad no_grad;
  const Order order = falling(map.to_doubles());
  return {followed(network, x, baseline_for(x, options) + Tensor::zeros_like(x), target, order,
                   parts, options),
          followed(network, blurred(x), x, target, order, parts, options)};
}

double area_under(const std::vector<double>& curve) {
  double sum = 0;
  for (std::size_t i = 1; i < curve.size(); ++i) sum += (curve[i - 1] + curve[i]) / 2;
  return curve.size() < 2 ? 0 : sum / double(curve.size() - 1);
}

Tensor random_map(int64_t height, int64_t width, uint64_t seed) {
  Random random(seed, Purpose::explain, 0, 1);
  std::vector<float> values;
  for (int64_t i = 0; i < height * width; ++i) values.push_back(random.uniform());
  return Tensor::from(values, {height, width});
}

double rank_correlation(const Tensor& a, const Tensor& b) {
  if (a.size() != b.size()) fail("rank_correlation", "maps are ", a.shape(), " and ", b.shape());
  const auto x = ranks(abs(a.detach()).to_doubles()), y = ranks(abs(b.detach()).to_doubles());
  const double middle = (double(x.size()) - 1) / 2;
  double xy = 0, xx = 0, yy = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    xy += (x[i] - middle) * (y[i] - middle);
    xx += (x[i] - middle) * (x[i] - middle);
    yy += (y[i] - middle) * (y[i] - middle);
  }
  return xx > 0 && yy > 0 ? xy / std::sqrt(xx * yy) : 0;
}

RandomisedNetwork randomised_network(Module& network, const Tensor& x, const ExplainMethod& method,
                                     const ExplainOptions& options, const Tensor& targets,
                                     int64_t measured) {
  const Explanation before = explain(network, x, method, options, targets);
  const KeptState kept(network);
  const auto layers = layers_backwards(network);
  const auto count = int64_t(layers.size());
  measured = std::min(measured, count);
  RandomisedNetwork result;
  for (int64_t i = 0, next = 1; i < count && !options.stopped(); ++i) {
    uint32_t number = uint32_t(i) * 16;
    for (auto& t : layers[std::size_t(i)].second) shuffle(t, ++number);
    if (i + 1 < (next * count + measured - 1) / measured) continue;
    ++next;
    const Tensor map = explain(network, x, method, options, before.targets).map;
    double sum = 0;
    for (int64_t n = 0; n < x.dim(0); ++n)
      sum += rank_correlation(before.map.slice(n, n + 1), map.slice(n, n + 1));
    result.layers.push_back(layers[std::size_t(i)].first);
    result.similarity.push_back(sum / double(x.dim(0)));
  }
  return result;
}

}  // namespace tweed
