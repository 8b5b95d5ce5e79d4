#include "benchmarks/conv_data.h"

#include <algorithm>
#include <cmath>

#include "benchmarks/conv_pass.h"
#include "benchmarks/values.h"

namespace tweed::bench {

const char* name_of(Pass pass) {
  return pass == Pass::forward ? "forward" : pass == Pass::weight ? "weight" : "input";
}

ConvData::ConvData(const Problem& p) : problem(p) {
  const auto& [w, out_channels] = p.conv;
  auto values = [&](const Shape& shape, uint64_t seed) {
    return random_values(shape, p.device, seed).to(p.dtype);
  };
  all = {p.conv, values({w.N, w.H, w.W, w.C}, 1),
         values({out_channels, w.kernel, w.kernel, w.C}, 2),
         values({w.N, w.out_h(), w.out_w(), out_channels}, 3)};
  const int64_t images = std::min(p.checked_images, w.N);
  checked = {p.conv, all.x.slice(0, images), all.weight, all.dz.slice(0, images)};
  checked.conv.window.N = images;
  auto exact = [](const Tensor& t) { return t.to(Device()).to(DType::float64); };
  const ConvInputs in{checked.conv, exact(checked.x), exact(checked.weight), exact(checked.dz)};
  for (Pass pass : passes) expected[std::size_t(pass)] = run_pass(conv::im2col, pass, in);
}

double ConvData::error(Pass pass, const Tensor& result) const {
  const auto got = result.to_doubles(), want = expected[std::size_t(pass)].to_doubles();
  double difference = 0, largest = 0;
  for (std::size_t i = 0; i < want.size(); ++i) {
    const double d = std::abs(got.at(i) - want[i]);
    if (std::isnan(d)) return d;
    difference = std::max(difference, d);
    largest = std::max(largest, std::abs(want[i]));
  }
  return difference / largest;
}

}  // namespace tweed::bench
