// Mistakes of programs with two GPUs.
#include <cublas_v2.h>
#include <cuda_runtime.h>

#include <cstdlib>
#include <thread>

#include "planted.h"

namespace {

constexpr int n = 64;
constexpr std::size_t bytes = n * sizeof(float);
constexpr std::size_t much_shared = 60000;

__device__ float variable;

__global__ void copy(const float* x, float* y) { y[threadIdx.x] = x[threadIdx.x]; }
__global__ void fill(float a, float* y) { y[threadIdx.x] = a; }
__global__ void set_variable(float a) { variable = a; }
__global__ void get_variable(float* y) { y[threadIdx.x] = variable; }
__global__ void with_shared(float* y) {
  extern __shared__ float s[];
  s[threadIdx.x] = 0;
  y[threadIdx.x] = s[threadIdx.x];
}

void use(int device) { checked(cudaSetDevice(device)); }

// An array, a stream and an event on each of two devices; device d's array is filled with d + 1.
struct Set {
  struct Device {
    float* x = nullptr;
    cudaStream_t stream = nullptr;
    cudaEvent_t event = nullptr;
  } devices[2];
  float* pinned = nullptr;
  Set() {
    setenv("EMULATOR_GPUS", "2", 1);
    for (int d = 1; d >= 0; --d) {
      use(d);
      checked(cudaMalloc(&devices[d].x, bytes));
      checked(cudaStreamCreateWithFlags(&devices[d].stream, cudaStreamNonBlocking));
      checked(cudaEventCreateWithFlags(&devices[d].event, cudaEventDisableTiming));
      fill<<<1, n>>>(float(d + 1), devices[d].x);
      checked(cudaDeviceSynchronize());
    }
    checked(cudaMallocHost(&pinned, bytes));
    for (int i = 0; i < n; ++i) pinned[i] = 0;
  }
  bool holds(int device, float wanted) const {
    std::vector<float> values(n);
    checked(cudaGetLastError());
    for (int d : {1, 0}) {
      use(d);
      checked(cudaDeviceSynchronize());
    }
    checked(cudaMemcpy(values.data(), devices[device].x, bytes, cudaMemcpyDeviceToHost));
    for (float v : values)
      if (v != wanted) return false;
    return true;
  }
};

// ---- memory
// --------------------------------------------------------------------------------------

bool memory_of_another_device(bool bug) {
  const Set s;
  use(1);
  if (!bug) checked(cudaDeviceEnablePeerAccess(0, 0));
  copy<<<1, n>>>(s.devices[0].x, s.devices[1].x);
  return s.holds(1, 1);
}
bool access_of_the_other_way(bool bug) {
  const Set s;
  use(bug ? 0 : 1);
  checked(cudaDeviceEnablePeerAccess(bug ? 1 : 0, 0));
  use(1);
  copy<<<1, n>>>(s.devices[0].x, s.devices[1].x);
  return s.holds(1, 1);
}
bool access_enabled_twice(bool bug) {
  const Set s;
  checked(cudaDeviceEnablePeerAccess(1, 0));
  if (bug) checked(cudaDeviceEnablePeerAccess(1, 0));
  return true;
}
bool access_of_itself(bool bug) {
  const Set s;
  checked(cudaDeviceEnablePeerAccess(bug ? 0 : 1, 0));
  return true;
}
bool access_not_asked_for(bool bug) {  // whether there can be any
  const Set s;
  int can = 0;
  use(1);
  checked(cudaDeviceCanAccessPeer(&can, 1, 0));
  if (bug || can) checked(cudaDeviceEnablePeerAccess(0, 0));
  checked(cudaMemcpyPeer(s.devices[1].x, 1, s.devices[0].x, 0, bytes));
  return s.holds(1, 1);
}
bool no_such_device(bool bug) {
  const Set s;
  use(bug ? 2 : 1);
  return true;
}
bool peer_copy_of_wrong_devices(bool bug) {
  const Set s;
  checked(cudaMemcpyPeer(s.devices[1].x, bug ? 0 : 1, s.devices[0].x, bug ? 1 : 0, bytes));
  return s.holds(1, 1);
}
bool variable_of_another_device(bool bug) {  // each has its own
  const Set s;
  use(bug ? 0 : 1);
  set_variable<<<1, 1>>>(5);
  checked(cudaDeviceSynchronize());
  use(1);
  get_variable<<<1, n>>>(s.devices[1].x);
  return s.holds(1, 5);
}

// ---- streams and events
// --------------------------------------------------------------------------

bool stream_of_another_device(bool bug) {
  const Set s;
  use(bug ? 0 : 1);
  fill<<<1, n, 0, s.devices[1].stream>>>(3, s.devices[1].x);
  return s.holds(1, 3);
}
bool device_of_a_new_thread(bool bug) {  // which begins with device 0
  const Set s;
  use(1);
  cudaError_t error = cudaSuccess;
  std::thread([&] {
    if (!bug) cudaSetDevice(1);
    fill<<<1, n, 0, s.devices[1].stream>>>(3, s.devices[1].x);
    error = cudaGetLastError();
  }).join();
  checked(error);
  return s.holds(1, 3);
}
bool event_of_another_device(bool bug) {
  const Set s;
  checked(cudaEventRecord(s.devices[bug ? 0 : 1].event, s.devices[1].stream));
  checked(cudaStreamWaitEvent(s.devices[0].stream, s.devices[bug ? 0 : 1].event, 0));
  return true;
}
bool time_between_devices(bool bug) {
  const Set s;
  cudaEvent_t events[2];
  for (int k : {0, 1}) {
    use(bug ? k : 0);
    checked(cudaEventCreate(&events[k]));
    checked(cudaEventRecord(events[k], s.devices[bug ? k : 0].stream));
    checked(cudaEventSynchronize(events[k]));
  }
  float ms = 0;
  checked(cudaEventElapsedTime(&ms, events[0], events[1]));
  return true;
}
bool copy_waits_for_no_device(bool bug) {  // that computes what is copied
  const Set s;
  use(0);
  fill<<<1, n, 0, s.devices[0].stream>>>(3, s.devices[0].x);
  checked(cudaEventRecord(s.devices[0].event, s.devices[0].stream));
  use(1);
  if (!bug) checked(cudaStreamWaitEvent(s.devices[1].stream, s.devices[0].event, 0));
  checked(cudaMemcpyPeerAsync(s.devices[1].x, 1, s.devices[0].x, 0, bytes, s.devices[1].stream));
  checked(cudaStreamSynchronize(s.devices[1].stream));
  return s.holds(1, 3);
}
bool waits_for_the_wrong_device(bool bug) {
  const Set s;
  checked(cudaMemcpyAsync(s.pinned, s.devices[1].x, bytes, cudaMemcpyDeviceToHost,
                          s.devices[1].stream));
  use(bug ? 0 : 1);
  checked(cudaDeviceSynchronize());
  return s.pinned[0] == 2;
}
bool graph_of_another_device(bool bug) {
  const Set s;
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t ready = nullptr;
  use(1);
  checked(cudaStreamBeginCapture(s.devices[1].stream, cudaStreamCaptureModeThreadLocal));
  fill<<<1, n, 0, s.devices[1].stream>>>(3, s.devices[1].x);
  checked(cudaStreamEndCapture(s.devices[1].stream, &graph));
  checked(cudaGraphInstantiate(&ready, graph, 0));
  checked(cudaGraphLaunch(ready, s.devices[bug ? 0 : 1].stream));
  return s.holds(1, 3);
}

// ---- what is set for a device
// --------------------------------------------------------------------

bool shared_allowed_elsewhere(bool bug) {
  const Set s;
  use(bug ? 0 : 1);
  checked(
      cudaFuncSetAttribute(with_shared, cudaFuncAttributeMaxDynamicSharedMemorySize, much_shared));
  use(1);
  with_shared<<<1, n, much_shared>>>(s.devices[1].x);
  return s.holds(1, 0);
}

// The product of two 4 x 4 matrices of one array, of device 1 if all is right.
bool multiply(const Set& s, int created_on, int used_on, const float* a,
              cudaStream_t stream = nullptr) {
  const float one = 1, zero = 0;
  cublasHandle_t blas = nullptr;
  use(created_on);
  checked(cublasCreate(&blas));
  checked(cublasSetStream(blas, stream));
  use(used_on);
  checked(cublasGemmEx(blas, CUBLAS_OP_N, CUBLAS_OP_N, 4, 4, 4, &one, a, CUDA_R_32F, 4, a,
                       CUDA_R_32F, 4, &zero, s.devices[1].x + 16, CUDA_R_32F, 4, CUBLAS_COMPUTE_32F,
                       CUBLAS_GEMM_DEFAULT));
  float value = 0;
  checked(cudaDeviceSynchronize());
  checked(cudaMemcpy(&value, s.devices[1].x + 16, sizeof value, cudaMemcpyDeviceToHost));
  return value == 4 * 2 * 2;
}
bool handle_of_another_device(bool bug) {
  const Set s;
  return multiply(s, bug ? 0 : 1, 1, s.devices[1].x);
}
bool handle_with_another_current(bool bug) {
  const Set s;
  return multiply(s, 1, bug ? 0 : 1, s.devices[1].x);
}
bool handle_and_stream_of_two(bool bug) {
  const Set s;
  return multiply(s, 1, 1, s.devices[1].x, s.devices[bug ? 0 : 1].stream);
}
bool matrix_of_another_device(bool bug) {
  const Set s;
  return multiply(s, 1, 1, s.devices[bug ? 0 : 1].x);
}

}  // namespace

std::vector<Planted> planted_on_devices() {
  auto refused = [](const char* name, const char* says, bool (*run)(bool)) {
    return Planted{name, Found::error, says, nullptr, nullptr, run};
  };
  auto spoils = [](const char* name, bool (*run)(bool)) {
    return Planted{name, Found::wrong, nullptr, nullptr, nullptr, run};
  };
  return {
      refused("memory_of_another_device", "by a kernel of device 1, which may not touch",
              memory_of_another_device),
      refused("access_of_the_other_way", "an allocation of 256 bytes of device 0, by a kernel",
              access_of_the_other_way),
      refused("access_enabled_twice", nullptr, access_enabled_twice),
      refused("access_of_itself", nullptr, access_of_itself),
      {"access_not_asked_for", Found::error, "these devices cannot", nullptr, "EMULATOR_PEERS=0",
       access_not_asked_for},
      refused("no_such_device", nullptr, no_such_device),
      refused("peer_copy_of_wrong_devices", "are not memory of device 0",
              peer_copy_of_wrong_devices),
      spoils("variable_of_another_device", variable_of_another_device),
      refused("stream_of_another_device", "the stream is of device 1, the current one of device 0",
              stream_of_another_device),
      refused("device_of_a_new_thread", "the stream is of device 1", device_of_a_new_thread),
      refused("event_of_another_device", "the stream is of device 1, the event of device 0",
              event_of_another_device),
      refused("time_between_devices", "cudaEventElapsedTime: one event is of device 0",
              time_between_devices),
      spoils("copy_waits_for_no_device", copy_waits_for_no_device),
      spoils("waits_for_the_wrong_device", waits_for_the_wrong_device),
      refused("graph_of_another_device", "the stream is of device 0, the graph of device 1",
              graph_of_another_device),
      refused("shared_allowed_elsewhere", "60000 bytes of dynamic shared memory",
              shared_allowed_elsewhere),
      refused("handle_of_another_device", "the current one is of device 1, the handle of device 0",
              handle_of_another_device),
      refused("handle_with_another_current", "the current one is of device 0, the handle",
              handle_with_another_current),
      refused("handle_and_stream_of_two", "the stream is of device 0, the handle of device 1",
              handle_and_stream_of_two),
      refused("matrix_of_another_device", "A lies on another device", matrix_of_another_device),
  };
}
