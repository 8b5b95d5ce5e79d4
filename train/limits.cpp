#include "train/limits.h"

#include <omp.h>

#include <algorithm>
#include <cstring>

#include "autograd/matmul.h"
#include "kernels/machine/cpu/peak.h"
#include "tensor/timing.h"

namespace tweed {

double peak_flops(Device device, DType dtype) {
  if (device.kind() == Device::Kind::cpu) return cpu::fma_peak(threads()) * 1e9;
  const int64_t n = is_simulated(device) ? 32 : 8192;
  const Tensor a = Tensor::full({n, n}, 0.5, dtype, device),
               b = Tensor::full({n, n}, 0.5, dtype, device);
  double best = 0;
  for (int repeat = 0; repeat < 10; ++repeat)
    best = std::max(best, 2.0 * double(n * n * n) / seconds_each(device, 3, [&] { matmul(a, b); }));
  return best;
}

static void copy_on_all_threads(uint8_t* to, const uint8_t* from, std::size_t bytes) {
#pragma omp parallel num_threads(threads())
  {
    const auto n = std::size_t(omp_get_num_threads()), i = std::size_t(omp_get_thread_num());
    const std::size_t first = bytes * i / n, last = bytes * (i + 1) / n;
    std::memcpy(to + first, from + first, last - first);
  }
}

CopyYardstick::CopyYardstick(Device device, int64_t bytes)
    : device_(device), bytes_(std::size_t(bytes)) {
  if (device.kind() == Device::Kind::cpu) {
    host_from_.resize(bytes_);
    host_to_.resize(bytes_);
  } else {
    from_ = Tensor::zeros({bytes}, DType::uint8, device);
    to_ = Tensor::zeros_like(from_);
  }
  run();  // the first touches fresh pages
}

double CopyYardstick::run() {
  return 2 * double(bytes_) / seconds_each(device_, 1, [&] {
           if (device_.kind() == Device::Kind::cpu)
             copy_on_all_threads(host_to_.data(), host_from_.data(), bytes_);
           else
             copy_bytes(device_, to_.write<uint8_t>(), device_, from_.read<uint8_t>(), bytes_);
         });
}

}  // namespace tweed
