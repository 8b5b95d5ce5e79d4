// A device chosen at run time, and the way from it to the machine that runs kernels.
#pragma once
#include <string>
#include <type_traits>

#include "kernels/machine/machine.h"

namespace tweed {

/// `cpu`, `sim` or `cuda:N`. A plain value.
class Device {
 public:
  enum class Kind : uint8_t { cpu, sim, cuda };

  Device() = default;
  explicit Device(Kind kind, int index = 0) : kind_(kind), index_(int16_t(index)) {}
  /// From "cpu", "sim", "cuda" or "cuda:1".
  /// @throws DeviceError  for any other name, for `cuda` in a build without CUDA, and for a GPU
  ///                      that is not there
  static Device parse(const std::string& name);

  Kind kind() const { return kind_; }
  int index() const { return index_; }
  bool is_cuda() const { return kind_ == Kind::cuda; }
  std::string name() const;
  bool operator==(const Device&) const = default;

 private:
  Kind kind_ = Kind::cpu;
  int16_t index_ = 0;
};

Cpu& cpu_machine();
Sim& sim_machine();
Cuda& cuda_machine(int index);

/// "NVIDIA H200, sm_90, 139.8 GiB"; "" for a device that is no GPU.
std::string gpu_description(Device device);
/// GPUs that this process sees; 0 in a build without CUDA.
int gpu_count();
/// Threads that `cpu` computes with; 0 restores OpenMP's default.
void set_threads(int threads);
int threads();
/// Whether products of float32 matrices on a GPU round their factors to TF32's 10 bits, which
/// tensor cores take. Off at first. @throws DeviceError  if it is turned on for cpu or sim
void set_tf32(Device device, bool on);
bool uses_tf32(Device device);
/// Whether it has the instructions of kernels/machine/tensor_cores.h.
bool has_tensor_cores(Device device);
/// Waits until everything asked of the device has been done.
void synchronize(Device device);

/// Names the machines among Ms, for messages.
template <class... Ms>
std::string machine_names() {
  auto name = [](auto* m) -> std::string {
    using M = std::remove_pointer_t<decltype(m)>;
    return std::is_same_v<M, Cpu> ? "cpu" : std::is_same_v<M, Sim> ? "sim" : "cuda";
  };
  std::string all;
  ((all += (all.empty() ? "" : ", ") + name((Ms*)nullptr)), ...);
  return all;
}

/// Calls f with the machine that `device` is, if it is one of Ms.
/// @throws DeviceError  naming Ms otherwise
template <class... Ms, class F>
requires(sizeof...(Ms) > 0) decltype(auto) on(Device device, F&& f) {
  constexpr bool cpu = (std::is_same_v<Ms, Cpu> || ...), sim = (std::is_same_v<Ms, Sim> || ...);
  if constexpr (cpu)
    if (device.kind() == Device::Kind::cpu) return f(cpu_machine());
  if constexpr (sim)
    if (device.kind() == Device::Kind::sim) return f(sim_machine());
#if TWEED_HAVE_CUDA
  if constexpr ((std::is_same_v<Ms, Cuda> || ...))
    if (device.is_cuda()) return f(cuda_machine(device.index()));
#endif
  throw DeviceError("this works on " + machine_names<Ms...>() + ", not on " + device.name());
}
/// Calls f with the machine that `device` is.
template <class F>
decltype(auto) on(Device device, F&& f) {
  return on<Cpu, Sim, Cuda>(device, std::forward<F>(f));
}

/// Calls f<T>() with the C++ type of a floating dtype that operations compute in.
template <class F>
decltype(auto) with_floating(DType dtype, const char* op, F&& f) {
  switch (dtype) {
    case DType::float32:
      return f.template operator()<float>();
    case DType::float64:
      return f.template operator()<double>();
    case DType::bfloat16:
      return f.template operator()<bf16>();
    case DType::float16:
      throw ShapeError(std::string("[") + op +
                       "] does not compute in float16, which is for keeping numbers: convert to "
                       "float32 or bfloat16");
    default:
      throw ShapeError(std::string("[") + op + "] needs a floating dtype, not " + name_of(dtype));
  }
}
/// Calls f<T>() with the C++ type of any dtype.
template <class F>
decltype(auto) with_type(DType dtype, F&& f) {
  if (dtype == DType::int32) return f.template operator()<int32_t>();
  if (dtype == DType::uint8) return f.template operator()<uint8_t>();
  if (dtype == DType::float16) return f.template operator()<f16>();
  return with_floating(dtype, "with_type", std::forward<F>(f));
}

}  // namespace tweed
