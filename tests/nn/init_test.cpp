// Initial values: means, deviations and bounds against the formulas.
#include "nn/init.h"

#include <algorithm>
#include <cmath>

#include "autograd/conv.h"
#include "nn/initialize.h"
#include "nn/models/models.h"
#include "tests/catch.h"
#include "tests/support.h"

using namespace tweed;

namespace {

struct Moments {
  double mean = 0, std = 0, largest = 0;
};
Moments moments(const Tensor& t) {
  Moments m;
  const auto values = t.to_doubles();
  for (double v : values) {
    m.mean += v / double(values.size());
    m.largest = std::max(m.largest, std::abs(v));
  }
  for (double v : values) m.std += (v - m.mean) * (v - m.mean) / double(values.size());
  m.std = std::sqrt(m.std);
  return m;
}

// 200,000 draws: the mean is within 4 standard errors and the deviation within 1 %.
void check(const Tensor& t, double std, double bound) {
  const Moments m = moments(t);
  CHECK(std::abs(m.mean) < 4 * std / std::sqrt(double(t.size())));
  CHECK(m.std == Approx(std).epsilon(0.01));
  CHECK(m.largest <= bound);
  if (std::isfinite(bound)) CHECK(m.largest > 0.999 * bound);
}

const Shape conv{250, 4, 4, 50}, linear{400, 500};  // fans: 800 and 4,000; 500 and 400
const InitKey key{.seed = 3, .layer = 7, .which = 1};
const double none = INFINITY, root3 = std::sqrt(3.);

}  // namespace

TEST_CASE("Kaiming's deviation is gain / sqrt(fan), Xavier's gain * sqrt(2 / both fans)") {
  check(kaiming_normal(conv, key), std::sqrt(2. / 800), none);
  check(kaiming_normal(conv, key, Fan::out), std::sqrt(2. / 4000), none);
  check(kaiming_normal(linear, key, Fan::in, 1), std::sqrt(1. / 500), none);
  check(kaiming_uniform(linear, key, Fan::out), std::sqrt(2. / 400), root3 * std::sqrt(2. / 400));
  const double leaky = leaky_relu_gain(0.5);
  CHECK(leaky == Approx(std::sqrt(1.6)));
  CHECK(leaky_relu_gain(0) == relu_gain);
  check(kaiming_uniform(conv, key, Fan::in, leaky), std::sqrt(1.6 / 800),
        root3 * std::sqrt(1.6 / 800));
  check(xavier_normal(conv, key), std::sqrt(2. / 4800), none);
  check(xavier_normal(linear, key, 3), 3 * std::sqrt(2. / 900), none);
  check(xavier_uniform(linear, key), std::sqrt(2. / 900), std::sqrt(6. / 900));
}

TEST_CASE("Uniform, normal and truncated normal values keep their bounds") {
  check(uniform_init(linear, 0.3, key), 0.3 / root3, 0.3);
  check(normal_init(linear, 0.02, key), 0.02, none);
  check(truncated_normal_init(linear, 0.02, key), 0.02, none);
  // var = 1 - 2 b phi(b) / (Phi(b) - Phi(-b)) for a standard normal cut at b
  const double density = std::exp(-2) / std::sqrt(2 * M_PI), inside = std::erf(std::sqrt(2.));
  check(truncated_normal_init(linear, 1, key), std::sqrt(1 - 4 * density / inside), 2);
  check(truncated_normal_init(linear, 5, key, 0.5), 0.5 / root3, 0.5);  // almost uniform
}

TEST_CASE("Initial values depend on seed, layer and place alone") {
  const Tensor a = kaiming_normal({8, 8}, key);
  CHECK(same_bits(a, kaiming_normal({8, 8}, key)));
  for (InitKey other : {InitKey{4, 7, 1}, InitKey{3, 8, 1}, InitKey{3, 7, 2}})
    CHECK(!same_bits(a, kaiming_normal({8, 8}, other)));
  const auto few = a.to_doubles(), more = kaiming_normal({16, 8}, key).to_doubles();
  CHECK(std::equal(few.begin(), few.end(), more.begin()));
}

TEST_CASE("Orthogonal weights have orthonormal rows or columns, and are Q of what was drawn") {
  const auto element = [](const Tensor& t, int64_t row, int64_t column) {
    return t.reshape({t.dim(0), -1})
        .to_doubles()[std::size_t(row * (t.size() / t.dim(0)) + column)];
  };
  for (const Shape& shape : {Shape{6, 6}, Shape{5, 9}, Shape{9, 5}, Shape{4, 3, 3, 2},
                             Shape{30, 2, 2, 3}, Shape{1, 4}, Shape{4, 1}}) {
    INFO(shape.str());
    const Tensor q = orthogonal_init(shape, key, 2), drawn = normal_init(shape, 1, key);
    CHECK(q.shape() == shape);
    const int64_t out = shape[0], in = shape.size() / out, few = std::min(out, in),
                  many = std::max(out, in);
    const auto at = [&](const Tensor& t, int64_t i, int64_t j) {
      return out > in ? element(t, j, i) : element(t, i, j);
    };
    for (int64_t a = 0; a < few; ++a)
      for (int64_t b = 0; b < few; ++b) {
        double dot = 0, r = 0;
        for (int64_t j = 0; j < many; ++j) {
          dot += at(q, a, j) * at(q, b, j);
          r += at(q, a, j) * at(drawn, b, j);
        }
        CHECK(dot == Approx(a == b ? 4 : 0).margin(1e-5));
        // R is upper triangular with a positive diagonal: there is one such Q.
        if (a == b) CHECK(r > 0);
        if (a > b) CHECK(r == Approx(0).margin(1e-5));
      }
  }
}

TEST_CASE("A network's weights are drawn anew by a scheme's name, and nothing else is") {
  const auto make = [] { return simplenet_bn({.classes = 7, .seed = 2}); };
  for (const std::string& scheme : init_schemes()) {
    INFO(scheme);
    auto network = make(), before = make(), again = make(), other = make();
    initialize_weights(*network, scheme, 5);
    initialize_weights(*again, scheme, 5);
    initialize_weights(*other, scheme, 6);
    const auto now = network->state(), old = before->state(), same = again->state(),
               others = other->state();
    for (std::size_t i = 0; i < now.size(); ++i) {
      INFO(now[i].name);
      const Tensor& t = now[i].tensor;
      CHECK(same_bits(t, same[i].tensor));
      if (now[i].name == "fc.bias") {
        for (double v : t.to_doubles()) CHECK(v == 0);
      } else {
        CHECK(same_bits(t, old[i].tensor) == (t.ndim() < 2));
        CHECK(same_bits(t, others[i].tensor) == (t.ndim() < 2));
      }
    }
  }
  auto network = make();
  initialize_weights(*network, "kaiming", 5);
  const Tensor conv3 = network->find("conv3").parameters()[0].tensor;  // 64 of 3x3x64
  CHECK(moments(conv3).std == Approx(std::sqrt(2. / 576)).epsilon(0.02));
  initialize_weights(*network, "xavier", 5);
  CHECK(moments(conv3).std == Approx(std::sqrt(1. / 576)).epsilon(0.02));
  initialize_weights(*network, "orthogonal", 5);  // 64 rows of length sqrt(2) in 576 columns
  CHECK(moments(conv3).std == Approx(std::sqrt(2. / 576)).epsilon(0.001));
  CHECK_THROWS_WITH(initialize_weights(*network, "kaming", 5),
                    Contains("no initial weights 'kaming'; there are kaiming, xavier, orthogonal"));
}

TEST_CASE("A Dirac convolution passes its input on") {
  for (Device device : test_devices())
    for (int64_t out : {2, 3, 5}) {
      const Tensor x = random_tensor({2, 6, 5, 3}, DType::float32, device);
      const Tensor y = conv2d(x, dirac_init({out, 3, 3, 3}).to(device), {}, {.padding = 1});
      const auto in = x.to_doubles(), got = y.to_doubles();
      for (std::size_t i = 0; i < got.size(); ++i) {
        const std::size_t pixel = i / std::size_t(out), c = i % std::size_t(out);
        CHECK(got[i] == (c < 3 ? in[pixel * 3 + c] : 0));
      }
    }
}

TEST_CASE("Shapes that are no weights are told") {
  CHECK_THROWS_WITH(kaiming_normal({5}, key), Contains("(5) is no weight"));
  CHECK_THROWS_WITH(dirac_init({4, 2, 2, 4}), Contains("K odd"));
}
