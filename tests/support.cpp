#include "tests/support.h"

#include <cmath>
#include <cstring>

#include "kernels/philox.h"

namespace tweed {
namespace {

std::vector<Device>& devices() {
  static std::vector<Device> all = {Device(Device::Kind::cpu), Device(Device::Kind::sim)};
  return all;
}

}  // namespace

std::vector<Device> test_devices() { return devices(); }
void use_test_device(const std::string& name) { devices() = {Device::parse(name)}; }

Tensor random_tensor(const Shape& shape, DType dtype, Device device, uint64_t seed, double lo,
                     double hi) {
  Random random(seed, Purpose::test);
  std::vector<double> values(static_cast<std::size_t>(shape.size()));
  for (double& v : values) v = lo + (hi - lo) * random.uniform_double();
  return Tensor::from(values, shape).to(dtype).to(device);
}

std::string difference(const std::vector<double>& got, const std::vector<double>& wanted,
                       double tolerance) {
  if (got.size() != wanted.size())
    return std::to_string(got.size()) + " elements, not " + std::to_string(wanted.size());
  double largest = 1;
  for (double w : wanted)
    if (std::isfinite(w)) largest = std::max(largest, std::abs(w));
  double worst = -1;
  std::size_t where = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double g = got[i], w = wanted[i];
    const bool same = (std::isnan(g) && std::isnan(w)) || g == w;
    const double error = same                                   ? 0
                         : std::isfinite(g) && std::isfinite(w) ? std::abs(g - w)
                                                                : INFINITY;
    if (error > worst) worst = error, where = i;
  }
  if (worst <= tolerance * largest) return "";
  char text[160];
  std::snprintf(text, sizeof text, "element %zu is %.9g, not %.9g: off by %.3g, allowed %.3g",
                where, got[where], wanted[where], worst, tolerance * largest);
  return text;
}

bool same_bits(const Tensor& a, const Tensor& b) {
  if (a.shape() != b.shape() || a.dtype() != b.dtype()) return false;
  return with_type(a.dtype(), [&]<class T>() {
    const auto x = a.to_vector<T>(), y = b.to_vector<T>();
    return x.empty() || std::memcmp(x.data(), y.data(), a.bytes()) == 0;
  });
}

}  // namespace tweed
