#include "kernels/machine/machine.h"

#include <string>

namespace tweed {

void check_launch(const Config& config) {
  const auto [x, y] = config.block;
  const std::size_t most = config.hopper ? shared_bytes_hopper : shared_bytes_most;
  if (config.shared > most)
    throw DeviceError("[launch] " + std::to_string(config.shared) +
                      " bytes of shared memory, more than " + std::to_string(most));
  if (config.grid < 0 || config.grid > 0x7fffffff)
    throw DeviceError("[launch] a grid of " + std::to_string(config.grid) + " blocks");
  if (x < 1 || y < 1 || int64_t(x) * y > 1024)
    throw DeviceError("[launch] a block of " + std::to_string(x) + "x" + std::to_string(y) +
                      " threads");
}

}  // namespace tweed
