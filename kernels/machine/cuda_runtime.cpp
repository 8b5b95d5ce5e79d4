// Host side of the `cuda` machine: devices, streams, memory. Compiled with the CUDA toolkit only.
#include "kernels/machine/cuda_runtime.h"

#include <cublas_v2.h>
#include <cuda_runtime.h>

#include <string>

namespace tweed::cuda {

static void check(cudaError_t error, const std::string& what) {
  if (error != cudaSuccess)
    throw DeviceError("[cuda] " + what + ": " + cudaGetErrorString(error));
}

void after_launch(const void* kernel, Cuda& here) {
  auto name = [&] {
    const char* text = nullptr;
    return cudaFuncGetName(&text, kernel) == cudaSuccess && text ? std::string(text) : "kernel";
  };
  if (auto error = cudaGetLastError()) check(error, "launch of " + name());
#ifndef NDEBUG
  if (auto error = cudaStreamSynchronize(cudaStream_t(here.stream))) check(error, name());
#else
  (void)here;
#endif
}

int device_count() {
  int count = 0;
  return cudaGetDeviceCount(&count) == cudaSuccess ? count : 0;
}

Cuda open(int index) {
  int count = 0;
  check(cudaGetDeviceCount(&count), "no usable GPU");
  if (index >= count)
    throw DeviceError("[cuda] there is no cuda:" + std::to_string(index) + ": this machine has " +
                      std::to_string(count) + " GPU(s)");
  Cuda machine{index, nullptr, nullptr};
  select(machine);
  cudaStream_t stream;
  check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "stream");
  machine.stream = stream;
  cublasHandle_t blas;
  if (cublasCreate(&blas) != CUBLAS_STATUS_SUCCESS ||
      cublasSetStream(blas, stream) != CUBLAS_STATUS_SUCCESS)
    throw DeviceError("[cuda] cuBLAS does not start");
  machine.blas = blas;
  return machine;
}

void select(const Cuda& machine) { check(cudaSetDevice(machine.index), "select"); }

void* allocate(Cuda& machine, std::size_t bytes) {
  select(machine);
  void* p = nullptr;
  if (cudaMalloc(&p, bytes) == cudaSuccess) return p;
  cudaGetLastError();  // clears the error: the pool frees what it caches and tries again
  return nullptr;
}
void release(Cuda& machine, void* p) {
  select(machine);
  cudaFree(p);
}
std::size_t free_bytes(Cuda& machine) {
  select(machine);
  std::size_t free = 0, total = 0;
  check(cudaMemGetInfo(&free, &total), "memory");
  return free;
}

void copy(Cuda& machine, void* to, const void* from, std::size_t bytes) {
  select(machine);
  auto stream = cudaStream_t(machine.stream);
  check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, stream), "copy");
  check(cudaStreamSynchronize(stream), "copy");
}
void zero(Cuda& machine, void* p, std::size_t bytes) {
  select(machine);
  check(cudaMemsetAsync(p, 0, bytes, cudaStream_t(machine.stream)), "zero");
}
void synchronize(Cuda& machine) {
  select(machine);
  check(cudaStreamSynchronize(cudaStream_t(machine.stream)), "synchronize");
}

}  // namespace tweed::cuda
