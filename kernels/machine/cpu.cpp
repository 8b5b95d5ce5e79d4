#include <cstdlib>
#include <memory>
#include <string>

#include "kernels/machine/machine.h"

namespace tweed::cpu {

unsigned char* shared_memory(std::size_t bytes) {
  struct Free {
    void operator()(unsigned char* p) const { std::free(p); }
  };
  thread_local std::unique_ptr<unsigned char, Free> memory;
  thread_local std::size_t size = 0;
  if (bytes > size) {
    size = (bytes + 63) / 64 * 64;
    memory.reset(static_cast<unsigned char*>(std::aligned_alloc(64, size)));
    if (!memory) throw DeviceError("[launch] no memory for " + std::to_string(size) + " bytes");
  }
  return memory.get();
}

// The same limits on every machine, so that a launch that works here works on a GPU.
void check_launch(const Config& config) {
  if (config.shared > shared_bytes_limit)
    throw DeviceError("[launch] " + std::to_string(config.shared) +
                      " bytes of shared memory, more than " + std::to_string(shared_bytes_limit));
  if (config.grid < 0 || config.block.x < 1 || config.block.y < 1 ||
      int64_t(config.block.x) * config.block.y > 1024)
    throw DeviceError("[launch] a block of " + std::to_string(config.block.x) + "x" +
                      std::to_string(config.block.y) + " threads");
}

}  // namespace tweed::cpu
