#include "tensor/device.h"

#include <omp.h>

#include <map>
#include <mutex>

#include "kernels/machine/printable.h"
#include "tensor/timing.h"

#if TWEED_HAVE_CUDA
#include "kernels/machine/cuda/runtime.h"
#endif

namespace tweed {

Device Device::parse(const std::string& name) {
  if (name == "cpu") return Device(Kind::cpu);
  if (name == "sim") return Device(Kind::sim);
  bool numbered = name.rfind("cuda:", 0) == 0 && name.size() > 5 && name.size() < 9 &&
                  name.find_first_not_of("0123456789", 5) == std::string::npos;
  if (name != "cuda" && !numbered)
    throw DeviceError("there is no device " + in_quotes(name, 60) + ": use cpu, sim or cuda:N");
#if TWEED_HAVE_CUDA
  int index = numbered ? std::stoi(name.substr(5)) : 0;
  cuda_machine(index);
  return Device(Kind::cuda, index);
#else
  throw DeviceError(
      "there is no device " + in_quotes(name, 60) +
      " in this build: it was made without CUDA (scripts/emulate PROGRAM has an emulated one)");
#endif
}

std::string Device::name() const {
  if (kind_ == Kind::cuda) return "cuda:" + std::to_string(index_);
  return kind_ == Kind::sim ? "sim" : "cpu";
}

Cpu& cpu_machine() {
  static Cpu machine;
  return machine;
}
Sim& sim_machine() {
  static Sim machine;
  return machine;
}
Cuda& cuda_machine(int index) {
#if TWEED_HAVE_CUDA
  static std::mutex mutex;
  static std::map<int, Cuda> machines;
  std::lock_guard lock(mutex);
  auto found = machines.find(index);
  if (found == machines.end()) found = machines.emplace(index, cuda::open(index)).first;
  cuda::select(found->second);
  return found->second;
#else
  throw DeviceError("there is no cuda:" + std::to_string(index) + " in a build without CUDA");
#endif
}

std::string gpu_description(Device device) {
#if TWEED_HAVE_CUDA
  if (device.is_cuda()) return cuda::description(cuda_machine(device.index()));
#endif
  return device.is_cuda() ? device.name() : "";
}

int gpu_count() {
#if TWEED_HAVE_CUDA
  return cuda::device_count();
#else
  return 0;
#endif
}

void set_threads(int threads) {
  static const int standard = omp_get_max_threads();
  omp_set_num_threads(threads > 0 ? threads : standard);  // oneDNN follows this too
  cpu_machine().threads = threads;
}
int threads() { return cpu_machine().threads ? cpu_machine().threads : omp_get_max_threads(); }

void set_tf32(Device device, bool on) {
  if (device.is_cuda())
    cuda_machine(device.index()).tf32 = on;
  else if (on)
    throw DeviceError("tf32 is a way in which GPUs multiply; " + device.name() + " has none");
}

bool uses_tf32(Device device) { return device.is_cuda() && cuda_machine(device.index()).tf32; }

bool has_tensor_cores(Device device) {
  return on(device, [](auto& here) { return here.has_tensor_cores(); });
}

bool is_simulated(Device device) {
#if TWEED_HAVE_CUDA
  if (device.is_cuda()) return cuda::is_emulated(cuda_machine(device.index()));
#endif
  return device.kind() == Device::Kind::sim;
}

void synchronize(Device device) {
#if TWEED_HAVE_CUDA
  if (device.is_cuda()) cuda::synchronize(cuda_machine(device.index()));
#else
  (void)device;
#endif
}

}  // namespace tweed
