#include "benchmarks/conv_data.h"

#include <algorithm>
#include <cmath>

#include "benchmarks/conv_pass.h"
#include "benchmarks/values.h"
#include "tensor/timing.h"

namespace tweed::bench {

const char* name_of(Pass pass) {
  return pass == Pass::forward ? "forward" : pass == Pass::weight ? "weight" : "input";
}

int sets_for(const AnyConv& c, DType dtype, Device device) {
  if (!device.is_cuda() || is_simulated(device)) return is_simulated(device) ? 2 : 1;
  constexpr double enough = double(128 << 20);  // of bytes: an H200 has 50 MiB, a B200 126
  const AnyWindow& w = c.window;
  const double x = double(w.N * w.H * w.W * w.C),
               y = double(w.N * w.out_h() * w.out_w() * c.out_channels),
               weight = double(c.out_channels * c.filter()),
               bytes = std::min({x + weight, y + weight, x + y}) * double(size_of(dtype));
  return int(std::clamp(std::ceil(enough / bytes), 1., double(most_sets)));
}

ConvData::ConvData(const Problem& p) : problem(p) {
  const AnyWindow& w = p.conv.window;
  const int64_t out_channels = p.conv.out_channels;
  auto values = [&](const Shape& shape, uint64_t seed) {
    return random_values(shape, p.device, seed).to(p.dtype);
  };
  all = {p.conv, values({w.N, w.H, w.W, w.C}, 1),
         values({out_channels, w.rows.kernel, w.columns.kernel, p.conv.group_in()}, 2),
         values({w.N, w.out_h(), w.out_w(), out_channels}, 3)};
  sets = {all};
  while (int(sets.size()) < p.sets)
    sets.push_back({p.conv, all.x.clone(), all.weight.clone(), all.dz.clone()});
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
