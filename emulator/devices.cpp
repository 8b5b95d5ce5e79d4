// Which devices there are, which is current, and what they are like.
#include "devices.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <set>

#include "driver.h"
#include "switches.h"

using namespace emulator;

namespace emulator {

int device_count() { return int(switched("EMULATOR_GPUS", 1)); }
bool exists_device(int device) { return device >= 0 && device < device_count(); }
int& current_device() {
  static thread_local int device = 0;
  return device;
}

// Pairs of a device and another whose memory its kernels see. Read by all of a launch's threads,
// changed only under the lock, while no kernel runs.
static std::set<std::pair<int, int>>& peers() {
  static auto* all = new std::set<std::pair<int, int>>;
  return *all;
}
bool reaches(int device, int owner) { return device == owner || peers().count({device, owner}); }
static bool connected() { return is_on("EMULATOR_PEERS", true); }

std::string no_access(int device, int owner) {
  return "device " + std::to_string(device) + ", which may not touch memory of device " +
         std::to_string(owner) + " without cudaDeviceEnablePeerAccess";
}
std::string other_device(const char* what, int has, const char* other, int wanted) {
  return std::string(": ") + what + " is of device " + std::to_string(has) + ", " + other +
         " of device " + std::to_string(wanted);
}

}  // namespace emulator

extern "C" {

cudaError_t cudaGetDeviceCount(int* count) { return *count = device_count(), cudaSuccess; }
cudaError_t cudaSetDevice(int device) {
  const Guard g(lock());
  if (!exists_device(device)) return noted(cudaErrorInvalidDevice);
  current_device() = device;
  return noted(sticky());
}
cudaError_t cudaGetDevice(int* device) { return *device = current_device(), cudaSuccess; }
cudaError_t cudaDriverGetVersion(int* version) { return *version = CUDART_VERSION, cudaSuccess; }
cudaError_t cudaRuntimeGetVersion(int* version) { return *version = CUDART_VERSION, cudaSuccess; }
cudaError_t cudaDeviceReset() { return cudaSuccess; }

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr what, int device) {
  if (!exists_device(device)) return noted(cudaErrorInvalidDevice);
  switch (what) {
    case cudaDevAttrComputeCapabilityMajor:
      *value = architecture() / 10;
      break;
    case cudaDevAttrComputeCapabilityMinor:
      *value = architecture() % 10;
      break;
    case cudaDevAttrMultiProcessorCount:
      *value = multiprocessors();
      break;
    case cudaDevAttrWarpSize:
      *value = 32;
      break;
    case cudaDevAttrMaxThreadsPerBlock:
      *value = 1024;
      break;
    case cudaDevAttrMaxSharedMemoryPerBlock:
      *value = int(shared_of_block);
      break;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin:
      *value = int(most_shared());
      break;
    case cudaDevAttrMaxSharedMemoryPerMultiprocessor:
      *value = int(most_shared()) + 1024;
      break;
    case cudaDevAttrMaxRegistersPerBlock:
      *value = 65536;
      break;
    default:
      return refuse(cudaErrorInvalidValue,
                    "cudaDeviceGetAttribute " + std::to_string(int(what)) + " is not known");
  }
  return cudaSuccess;
}
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* p, int device) {
  if (!exists_device(device)) return noted(cudaErrorInvalidDevice);
  std::memset(p, 0, sizeof *p);
  std::strncpy(p->name, device_name().c_str(), sizeof p->name - 1);
  p->totalGlobalMem = memory().total();
  p->major = architecture() / 10;
  p->minor = architecture() % 10;
  p->multiProcessorCount = multiprocessors();
  p->warpSize = 32;
  p->maxThreadsPerBlock = 1024;
  p->sharedMemPerBlock = shared_of_block;
  p->sharedMemPerBlockOptin = most_shared();
  return cudaSuccess;
}

// ---- access to each other's memory -------------------------------------------------------------

cudaError_t cudaDeviceCanAccessPeer(int* can, int device, int peer) {
  if (!exists_device(device) || !exists_device(peer)) return noted(cudaErrorInvalidDevice);
  *can = device != peer && connected();
  return cudaSuccess;
}
cudaError_t cudaDeviceEnablePeerAccess(int peer, unsigned flags) {
  const Guard g(lock());
  if (flags) return refuse(cudaErrorInvalidValue, "cudaDeviceEnablePeerAccess with flags");
  if (!exists_device(peer) || peer == current_device()) return noted(cudaErrorInvalidDevice);
  if (!connected())
    return refuse(cudaErrorPeerAccessUnsupported,
                  "cudaDeviceEnablePeerAccess: these devices cannot (EMULATOR_PEERS=0)");
  if (!peers().insert({current_device(), peer}).second)
    return noted(cudaErrorPeerAccessAlreadyEnabled);
  return cudaSuccess;
}
cudaError_t cudaDeviceDisablePeerAccess(int peer) {
  const Guard g(lock());
  if (!exists_device(peer)) return noted(cudaErrorInvalidDevice);
  drain_device(current_device());
  if (!peers().erase({current_device(), peer})) return noted(cudaErrorPeerAccessNotEnabled);
  return noted(sticky());
}

}  // extern "C"
