#include "nn/init.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "nn/weight_limit.h"

namespace tweed {

static thread_local InitKey last_layer;
static thread_local bool draws = true;

InitSeed::InitSeed(uint64_t seed) : before_(last_layer) { last_layer = {seed}; }
InitSeed::~InitSeed() { last_layer = before_; }

NothingDrawn::NothingDrawn() : before_(draws) { draws = false; }
NothingDrawn::~NothingDrawn() { draws = before_; }

InitKey next_layer() {
  ++last_layer.layer;
  return last_layer;
}
namespace {

template <class F>
Tensor filled(const Shape& shape, const InitKey& key, F fill) {
  WeightLimit::check(shape);
  if (!draws) return Tensor::zeros(shape);
  std::vector<float> values(std::size_t(shape.size()));
  fill(values, Random(key.seed, Purpose::init, key.layer, key.which));
  return Tensor::from(values, shape);
}

// Numbers that take `words` of the stream's each: a thread begins where its piece does. VGG-16 has
// 138 million.
template <class F>
Tensor filled_in_pieces(const Shape& shape, const InitKey& key, int64_t words, F draw) {
  return filled(shape, key, [&](std::vector<float>& values, const Random& stream) {
    constexpr int64_t piece = 1 << 16;
    const int64_t count = int64_t(values.size());
#pragma omp parallel for if (count > piece)
    for (int64_t first = 0; first < count; first += piece) {
      Random random = stream;
      random.start_at(uint32_t(first * words / 4));
      for (int64_t i = first; i < std::min(first + piece, count); ++i)
        values[std::size_t(i)] = draw(random);
    }
  });
}

double fan_of(const Shape& shape, Fan fan) {
  if (shape.ndim() < 2)
    throw ShapeError("[init] " + shape.str() + " is no weight: it needs two axes or four");
  const int64_t out = shape[0], in = shape[-1], cells = shape.product(1, shape.ndim() - 1);
  return double(std::max<int64_t>(1, cells * (fan == Fan::in ? in : out)));
}
double xavier_std(const Shape& shape, double gain) {
  return gain * std::sqrt(2 / (fan_of(shape, Fan::in) + fan_of(shape, Fan::out)));
}

}  // namespace

double leaky_relu_gain(double slope) { return std::sqrt(2 / (1 + slope * slope)); }

Tensor uniform_init(const Shape& shape, double bound, const InitKey& key) {
  return filled_in_pieces(shape, key, 1,
                          [&](Random& r) { return r.uniform(-float(bound), float(bound)); });
}
Tensor normal_init(const Shape& shape, double std, const InitKey& key) {
  return filled_in_pieces(shape, key, 4, [&](Random& r) { return float(std) * r.normal(); });
}
Tensor truncated_normal_init(const Shape& shape, double std, const InitKey& key, double bound) {
  return filled(shape, key, [&](std::vector<float>& values, Random r) {
    for (float& v : values) do
        v = float(std) * r.normal();
      while (std::abs(v) > float(bound));
  });
}

// A uniform distribution's standard deviation is its bound / sqrt(3).
Tensor kaiming_uniform(const Shape& shape, const InitKey& key, Fan fan, double gain) {
  return uniform_init(shape, gain * std::sqrt(3 / fan_of(shape, fan)), key);
}
Tensor kaiming_normal(const Shape& shape, const InitKey& key, Fan fan, double gain) {
  return normal_init(shape, gain / std::sqrt(fan_of(shape, fan)), key);
}
Tensor xavier_uniform(const Shape& shape, const InitKey& key, double gain) {
  return uniform_init(shape, std::sqrt(3.) * xavier_std(shape, gain), key);
}
Tensor xavier_normal(const Shape& shape, const InitKey& key, double gain) {
  return normal_init(shape, xavier_std(shape, gain), key);
}

namespace {

using Rows = std::vector<std::vector<double>>;

double product_of(const std::vector<double>& a, const std::vector<double>& b) {
  return std::inner_product(a.begin(), a.end(), b.begin(), 0.);
}

// Makes rows orthonormal from the first on, by Gram and Schmidt, each twice, without which rounding
// would add up. Every row keeps a positive product with what it was: R's diagonal.
void orthonormalise(Rows& rows) {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (int pass = 0; pass < 2; ++pass)
      for (std::size_t k = 0; k < i; ++k) {
        const double along = product_of(rows[i], rows[k]);
        for (std::size_t j = 0; j < rows[i].size(); ++j) rows[i][j] -= along * rows[k][j];
      }
    const double length = std::sqrt(product_of(rows[i], rows[i]));
    for (double& v : rows[i]) v /= length;
  }
}

}  // namespace

Tensor orthogonal_init(const Shape& shape, const InitKey& key, double gain) {
  fan_of(shape, Fan::in);  // checks it
  const auto all = normal_init(shape, 1, key).to_doubles();
  const auto out = std::size_t(shape[0]), in = all.size() / std::max<std::size_t>(out, 1);
  const bool tall = out > in;
  const auto at = [&](std::size_t i, std::size_t j) { return tall ? j * in + i : i * in + j; };
  Rows rows(std::min(out, in), std::vector<double>(std::max(out, in)));
  for (std::size_t i = 0; i < rows.size(); ++i)
    for (std::size_t j = 0; j < rows[i].size(); ++j) rows[i][j] = all[at(i, j)];
  orthonormalise(rows);
  std::vector<float> values(all.size());
  for (std::size_t i = 0; i < rows.size(); ++i)
    for (std::size_t j = 0; j < rows[i].size(); ++j) values[at(i, j)] = float(gain * rows[i][j]);
  return Tensor::from(values, shape);
}

Tensor dirac_init(const Shape& shape) {
  if (shape.ndim() != 4 || shape[1] != shape[2] || shape[1] % 2 == 0)
    throw ShapeError("[dirac_init] " + shape.str() + " is not (Co, K, K, Ci) with K odd");
  std::vector<float> values(std::size_t(shape.size()));
  const int64_t K = shape[1], Ci = shape[3], middle = (K / 2) * K + K / 2;
  for (int64_t c = 0; c < std::min(shape[0], Ci); ++c)
    values[std::size_t((c * K * K + middle) * Ci + c)] = 1;
  return Tensor::from(values, shape);
}

}  // namespace tweed
