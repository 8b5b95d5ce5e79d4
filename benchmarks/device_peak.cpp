#include "benchmarks/device_peak.h"

#include "autograd/matmul.h"
#include "benchmarks/peak.h"
#include "benchmarks/timing.h"

namespace tweed::bench {

double peak_flops(Device device, DType dtype) {
  if (device.kind() == Device::Kind::cpu) return fma_peak(threads()) * 1e9;
  const int64_t n = device.is_cuda() ? 8192 : 32;
  const Tensor a = Tensor::full({n, n}, 0.5, dtype, device),
               b = Tensor::full({n, n}, 0.5, dtype, device);
  double best = 0;
  for (int repeat = 0; repeat < 10; ++repeat)
    best = std::max(best, 2.0 * double(n * n * n) / seconds_each(device, 3, [&] { matmul(a, b); }));
  return best;
}

}  // namespace tweed::bench
