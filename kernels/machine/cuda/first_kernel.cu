// The kernel that tells at the start whether this program has code for the GPU.
#include <cuda_runtime.h>

namespace tweed::cuda {

static __global__ void first_kernel() {}

cudaError_t try_kernel() {
  first_kernel<<<1, 1>>>();
  const cudaError_t launched = cudaGetLastError();
  return launched != cudaSuccess ? launched : cudaDeviceSynchronize();
}

}  // namespace tweed::cuda
