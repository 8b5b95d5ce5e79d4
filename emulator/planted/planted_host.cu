// Mistakes in host code: memory, streams, captures, launches.
#include <cuda_runtime.h>

#include "planted.h"

std::vector<Planted> planted_in_products();

namespace {

constexpr int n = 64;
constexpr std::size_t bytes = n * sizeof(float);

__global__ void copy(const float* x, float* y) { y[threadIdx.x] = x[threadIdx.x]; }
__global__ void add(float a, float* y) { y[threadIdx.x] += a; }
__global__ __launch_bounds__(n) void bounded(float* y) { y[threadIdx.x] = 0; }
__global__ void with_shared(float* y) {
  extern __shared__ float s[];
  s[threadIdx.x] = 0;
  y[threadIdx.x] = s[threadIdx.x];
}

// Two arrays of the device, the first filled with zeros; page-locked memory with ones; two streams.
struct Set {
  float *x = nullptr, *y = nullptr, *pinned = nullptr;
  std::vector<float> pageable = std::vector<float>(n, 1.f);
  cudaStream_t a = nullptr, b = nullptr;
  cudaEvent_t event = nullptr;
  Set() {
    checked(cudaMalloc(&x, bytes));
    checked(cudaMalloc(&y, bytes));
    checked(cudaMemset(x, 0, bytes));
    checked(cudaMallocHost(&pinned, bytes));
    for (int i = 0; i < n; ++i) pinned[i] = 1;
    checked(cudaStreamCreateWithFlags(&a, cudaStreamNonBlocking));
    checked(cudaStreamCreateWithFlags(&b, cudaStreamNonBlocking));
    checked(cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
    checked(cudaDeviceSynchronize());
  }
  bool holds(const float* device, float wanted) const {
    std::vector<float> values(n);
    checked(cudaGetLastError());
    checked(cudaDeviceSynchronize());
    checked(cudaMemcpy(values.data(), device, bytes, cudaMemcpyDeviceToHost));
    for (float v : values)
      if (v != wanted) return false;
    return true;
  }
};

// ---- memory
// --------------------------------------------------------------------------------------

bool host_reads_device(bool bug) {
  const Set s;
  float v = 1;
  if (bug)
    v = *const_cast<volatile float*>(s.x);
  else
    checked(cudaMemcpy(&v, s.x, sizeof v, cudaMemcpyDeviceToHost));
  return v == 0;
}
bool host_writes_device(bool bug) {
  const Set s;
  if (bug)
    *const_cast<volatile float*>(s.x) = 0;
  else
    checked(cudaMemset(s.x, 0, sizeof(float)));
  return s.holds(s.x, 0);
}
bool copy_past_end(bool bug) {
  const Set s;
  checked(cudaMemcpy(s.x, s.pageable.data(), bytes + (bug ? 4 : 0), cudaMemcpyHostToDevice));
  return s.holds(s.x, 1);
}
bool wrong_kind(bool bug) {
  const Set s;
  checked(cudaMemcpy(s.x, s.pageable.data(), bytes,
                     bug ? cudaMemcpyDeviceToHost : cudaMemcpyHostToDevice));
  return s.holds(s.x, 1);
}
bool freed_twice(bool bug) {
  const Set s;
  checked(cudaFree(s.y));
  if (bug) checked(cudaFree(s.y));
  return true;
}
bool elements_not_bytes(bool bug) {
  const Set s;
  checked(cudaMemset(s.y, 0, bug ? n : bytes));
  return s.holds(s.y, 0);
}
bool error_left_set(bool bug) {
  const Set s;
  void* p = nullptr;
  if (cudaMalloc(&p, std::size_t(1) << 50) != cudaErrorMemoryAllocation) return false;
  if (!bug) cudaGetLastError();
  copy<<<1, n>>>(s.x, s.y);
  return s.holds(s.y, 0);  // looks at the last error, which is not the launch's
}
bool goes_on_after_fault(bool bug) {
  const Set s;
  copy<<<1, bug ? n + 1 : n>>>(s.x, s.y);
  if (cudaDeviceSynchronize() != (bug ? cudaErrorIllegalAddress : cudaSuccess)) return false;
  void* p = nullptr;
  cudaGetLastError();
  checked(cudaMalloc(&p, 4));
  return true;
}

// ---- streams
// -------------------------------------------------------------------------------------

bool staging_reused(bool bug) {
  const Set s;
  checked(cudaMemcpyAsync(s.x, s.pinned, bytes, cudaMemcpyHostToDevice, s.a));
  if (!bug) checked(cudaStreamSynchronize(s.a));
  for (int i = 0; i < n; ++i) s.pinned[i] = 2;
  return s.holds(s.x, 1);
}
bool download_not_waited_for(bool bug) {
  const Set s;
  checked(cudaMemcpyAsync(s.pinned, s.x, bytes, cudaMemcpyDeviceToHost, s.a));
  if (!bug) checked(cudaStreamSynchronize(s.a));
  return s.pinned[n - 1] == 0;
}
bool event_not_waited_for(bool bug) {
  const Set s;
  checked(cudaMemcpyAsync(s.x, s.pinned, bytes, cudaMemcpyHostToDevice, s.a));
  checked(cudaEventRecord(s.event, s.a));
  if (!bug) checked(cudaStreamWaitEvent(s.b, s.event, 0));
  copy<<<1, n, 0, s.b>>>(s.x, s.y);
  checked(cudaStreamSynchronize(s.b));
  return s.holds(s.y, 1);
}
bool event_recorded_early(bool bug) {
  const Set s;
  if (bug) checked(cudaEventRecord(s.event, s.a));
  checked(cudaMemcpyAsync(s.x, s.pinned, bytes, cudaMemcpyHostToDevice, s.a));
  if (!bug) checked(cudaEventRecord(s.event, s.a));
  checked(cudaStreamWaitEvent(s.b, s.event, 0));
  copy<<<1, n, 0, s.b>>>(s.x, s.y);
  checked(cudaStreamSynchronize(s.b));
  return s.holds(s.y, 1);
}
bool destroyed_stream(bool bug) {
  const Set s;
  if (bug) checked(cudaStreamDestroy(s.a));
  copy<<<1, n, 0, s.a>>>(s.x, s.y);
  return s.holds(s.y, 0);
}

// ---- captures
// ------------------------------------------------------------------------------------

// Captures a kernel and what `between` does, and runs it: y is 0 then.
template <class F>
bool captured(const Set& s, cudaStreamCaptureMode mode, F between) {
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t ready = nullptr;
  checked(cudaStreamBeginCapture(s.a, mode));
  copy<<<1, n, 0, s.a>>>(s.x, s.y);
  between();
  checked(cudaStreamEndCapture(s.a, &graph));
  checked(cudaGraphInstantiate(&ready, graph, 0));
  checked(cudaGraphLaunch(ready, s.a));
  return s.holds(s.y, 0);
}
bool synchronizes_in_capture(bool bug) {
  const Set s;
  return captured(s, cudaStreamCaptureModeThreadLocal, [&] {
    if (bug) cudaStreamSynchronize(s.a);
  });
}
bool allocates_in_capture(bool bug) {
  const Set s;
  return captured(s, cudaStreamCaptureModeThreadLocal, [&] {
    void* p = nullptr;
    if (bug) cudaMalloc(&p, 4);
  });
}
bool frees_in_capture(bool bug) {
  const Set s;
  void* p = nullptr;
  checked(cudaMalloc(&p, 4));
  return captured(s, cudaStreamCaptureModeGlobal, [&] {
    if (bug) cudaFree(p);
  });
}
bool pageable_copy_in_capture(bool bug) {
  const Set s;
  return captured(s, cudaStreamCaptureModeThreadLocal, [&] {
    const float* from = bug ? s.pageable.data() : s.pinned;
    cudaMemcpyAsync(s.x, from, bytes, cudaMemcpyHostToDevice, s.a);
  });
}
bool event_from_outside_capture(bool bug) {
  const Set s;
  checked(cudaEventRecord(s.event, s.b));
  return captured(s, cudaStreamCaptureModeThreadLocal, [&] {
    if (bug) cudaStreamWaitEvent(s.a, s.event, 0);
  });
}
bool stream_not_joined(bool bug) {
  const Set s;
  return captured(s, cudaStreamCaptureModeThreadLocal, [&] {
    checked(cudaEventRecord(s.event, s.a));
    checked(cudaStreamWaitEvent(s.b, s.event, 0));
    add<<<1, n, 0, s.b>>>(0, s.y);
    checked(cudaEventRecord(s.event, s.b));
    if (!bug) checked(cudaStreamWaitEvent(s.a, s.event, 0));
  });
}
bool legacy_stream_in_capture(bool bug) {
  Set s;
  checked(cudaStreamCreate(&s.a));  // which keeps order with the legacy stream
  return captured(s, cudaStreamCaptureModeRelaxed,
                  [&] { add<<<1, n, 0, bug ? nullptr : s.a>>>(0, s.y); });
}
bool argument_changes_after_capture(bool bug) {
  const Set s;
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t ready = nullptr;
  float a = 1;
  checked(cudaMemset(s.y, 0, bytes));
  checked(cudaDeviceSynchronize());
  checked(cudaStreamBeginCapture(s.a, cudaStreamCaptureModeThreadLocal));
  add<<<1, n, 0, s.a>>>(a, s.y);
  checked(cudaStreamEndCapture(s.a, &graph));
  checked(cudaGraphInstantiate(&ready, graph, 0));
  if (bug) a = 2;
  checked(cudaGraphLaunch(ready, s.a));
  return s.holds(s.y, a);
}

// ---- launches
// ------------------------------------------------------------------------------------

bool too_many_threads(bool bug) {
  const Set s;
  if (bug)
    copy<<<1, 2048>>>(s.x, s.y);
  else
    copy<<<1, n>>>(s.x, s.y);
  return s.holds(s.y, 0);
}
bool no_blocks(bool bug) {
  const Set s;
  copy<<<bug ? 0 : 1, n>>>(s.x, s.y);
  return s.holds(s.y, 0);
}
bool more_than_launch_bounds(bool bug) {
  const Set s;
  bounded<<<1, bug ? 2 * n : n>>>(s.y);
  return s.holds(s.y, 0);
}
bool too_much_shared(bool bug) {
  const Set s;
  with_shared<<<1, n, bug ? 60000 : bytes>>>(s.y);
  return s.holds(s.y, 0);
}
bool shared_not_asked_for(bool bug) {
  const Set s;
  if (!bug)
    checked(cudaFuncSetAttribute(with_shared, cudaFuncAttributeMaxDynamicSharedMemorySize, 60000));
  with_shared<<<1, n, 60000>>>(s.y);
  return s.holds(s.y, 0);
}
bool shared_of_no_block(bool bug) {
  const Set s;
  checked(cudaFuncSetAttribute(with_shared, cudaFuncAttributeMaxDynamicSharedMemorySize,
                               bug ? 240000 : 60000));
  with_shared<<<1, n, 60000>>>(s.y);
  return s.holds(s.y, 0);
}

}  // namespace

std::vector<Planted> planted_in_host_code() {
  using enum Found;
  auto refused = [](const char* name, const char* says, bool (*run)(bool)) {
    return Planted{name, error, says, nullptr, nullptr, run};
  };
  auto spoils = [](const char* name, bool (*run)(bool)) {
    return Planted{name, wrong, nullptr, nullptr, nullptr, run};
  };
  std::vector<Planted> all = {
      {"host_reads_device", crash, nullptr, nullptr, nullptr, host_reads_device},
      {"host_writes_device", crash, nullptr, nullptr, nullptr, host_writes_device},
      refused("copy_past_end", "a copy beyond an allocation: 260 bytes", copy_past_end),
      refused("wrong_kind", "whose kind does not fit", wrong_kind),
      refused("freed_twice", "cudaFree of what cudaMalloc did not give", freed_twice),
      spoils("elements_not_bytes", elements_not_bytes),
      refused("error_left_set", nullptr, error_left_set),
      refused("goes_on_after_fault", "read of 4 bytes", goes_on_after_fault),
      spoils("staging_reused", staging_reused),
      spoils("download_not_waited_for", download_not_waited_for),
      spoils("event_not_waited_for", event_not_waited_for),
      spoils("event_recorded_early", event_recorded_early),
      refused("destroyed_stream", "no such stream", destroyed_stream),
      refused("synchronizes_in_capture", "cudaStreamSynchronize of a stream that captures",
              synchronizes_in_capture),
      refused("allocates_in_capture", "cudaMalloc while a stream captures", allocates_in_capture),
      refused("frees_in_capture", "cudaFree while a stream captures", frees_in_capture),
      refused("pageable_copy_in_capture", "a copy from or to pageable memory",
              pageable_copy_in_capture),
      refused("event_from_outside_capture", "waits for an event from outside",
              event_from_outside_capture),
      refused("stream_not_joined", "was not waited for", stream_not_joined),
      refused("legacy_stream_in_capture", "in the legacy stream", legacy_stream_in_capture),
      spoils("argument_changes_after_capture", argument_changes_after_capture),
      refused("too_many_threads", "a grid or block that no GPU has", too_many_threads),
      refused("no_blocks", "a grid or block that no GPU has", no_blocks),
      refused("more_than_launch_bounds", "than __launch_bounds__ allows", more_than_launch_bounds),
      refused("too_much_shared", "60000 bytes of dynamic shared memory", too_much_shared),
      refused("shared_not_asked_for", "60000 bytes of dynamic shared memory", shared_not_asked_for),
      refused("shared_of_no_block", "no block can have 240000 bytes", shared_of_no_block),
  };
  for (const Planted& p : planted_in_products()) all.push_back(p);
  return all;
}
