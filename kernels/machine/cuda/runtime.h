// Host side of the `cuda` machine: devices, streams, memory, graphs. Every call throws DeviceError
// on failure.
//
// A Cuda is a GPU with one stream: what is asked of it is done in that order, and memory that is
// free for the host is free for whatever the stream does later. A second Cuda of the same GPU (see
// open_copier()) works beside it; wait_for() puts the two in order.
#pragma once
#include <cublasLt.h>
#include <cublas_v2.h>
#include <cuda_runtime.h>

#include <string>

#include "kernels/machine/machine.h"

namespace tweed {

/// What belongs to a stream.
struct CudaQueue {
  cudaStream_t stream = nullptr;
  cublasHandle_t blas = nullptr;  ///< bound to the stream; null for a copier
  cublasLtHandle_t blas_lt = nullptr;
  void* workspace = nullptr;      ///< cuBLAS's own, so that it allocates nothing in a graph
  cudaEvent_t reached = nullptr;  ///< what wait_for() records
  // Page-locked memory that uploads pass through: one half is filled while the other is copied.
  struct Half {
    char* memory = nullptr;
    cudaEvent_t copied = nullptr;
  } halves[2];
  std::size_t half_bytes = 0;
  int half = 0;
  std::size_t used = 0;  ///< bytes of the current half
};
constexpr std::size_t cuda_workspace_bytes = std::size_t(32) << 20;

namespace cuda {

void check(cudaError_t error, const char* what);
/// Runs an empty kernel on the current GPU.
cudaError_t try_kernel();

/// GPUs that the driver offers; 0 without a driver.
int device_count();
/// The machine for one GPU, with a stream and handles of its own. Never closed.
/// @throws DeviceError  saying in one sentence what does not fit (the driver, the GPU's
///                      architecture, its memory) and what to do
Cuda open(int index);
/// A second stream of a GPU, for copies beside its computations, with staging memory for two times
/// `bytes`.
Cuda open_copier(int index, std::size_t bytes);
void close_copier(Cuda& copier);
/// Makes the machine's GPU current on the calling thread.
void select(const Cuda& machine);
/// Whether emulator/ stands in for it.
bool is_emulated(const Cuda& machine);
/// "NVIDIA H200, sm_90, 139.8 GiB".
std::string description(const Cuda& machine);

/// "relu_kernel<float>"; empty where the runtime does not tell, as before CUDA 12.3.
std::string kernel_name(const void* kernel);

/// Null when the memory does not suffice.
void* allocate(Cuda& machine, std::size_t bytes);
void release(Cuda& machine, void* p);
std::size_t free_bytes(Cuda& machine);

/// From the host, in stream order; `from` may be changed once this returns.
void upload(Cuda& machine, void* to, const void* from, std::size_t bytes);
/// To the host; returns when done.
void download(Cuda& machine, void* to, const void* from, std::size_t bytes);
/// Within the GPU's memory, in stream order.
void copy(Cuda& machine, void* to, const void* from, std::size_t bytes);
/// From another GPU; both streams wait for it.
void copy_across(Cuda& to_machine, void* to, Cuda& from_machine, const void* from,
                 std::size_t bytes);
void zero(Cuda& machine, void* p, std::size_t bytes);
/// What is asked of `machine` from now on begins after all that was asked of `other` so far.
void wait_for(Cuda& machine, Cuda& other);
void synchronize(Cuda& machine);

}  // namespace cuda
}  // namespace tweed
