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

}  // namespace tweed::cpu
