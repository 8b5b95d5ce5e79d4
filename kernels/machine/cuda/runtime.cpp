#include "kernels/machine/cuda/runtime.h"

#include <algorithm>
#include <cstring>

#include "kernels/machine/recording.h"
#include "kernels/machine/source_lines.h"

namespace tweed {
namespace cuda {

constexpr std::size_t staging_bytes = std::size_t(8) << 20;  // a half, at least

// An error stays with the thread until somebody asks for it, and the next launch would be blamed.
static void forget_error() { cudaGetLastError(); }

void check(cudaError_t error, const char* what) {
  if (error == cudaSuccess) return;
  forget_error();
  throw DeviceError(std::string("[cuda] ") + what + ": " + cudaGetErrorString(error));
}
static void check(cublasStatus_t status, const char* what) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  forget_error();
  throw DeviceError(std::string("[cuda] ") + what + ": " + cublasGetStatusString(status));
}

void allow_shared(const void* kernel, std::size_t bytes) {
  check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, int(bytes)),
        "dynamic shared memory");
}

std::string kernel_name(const void* kernel) {
#if CUDART_VERSION >= 12030
  const char* symbol = nullptr;
  if (cudaFuncGetName(&symbol, kernel) == cudaSuccess && symbol) return readable_name(symbol);
  forget_error();
#else
  (void)kernel;
#endif
  return "";
}

void after_launch(const void* kernel, Cuda& here) {
  auto failed = [&](cudaError_t error, const std::string& before) {
    const std::string name = kernel_name(kernel);
    check(error, (before + (name.empty() ? "a kernel" : name)).c_str());
  };
  if (auto error = cudaGetLastError()) failed(error, "launch of ");
#ifndef NDEBUG
  if (here.recording) return;
  if (auto error = cudaStreamSynchronize(cudaStream_t(here.stream))) failed(error, "");
#else
  (void)here;
#endif
}

void select(const Cuda& machine) { check(cudaSetDevice(machine.index), "select"); }

// ---- starting ----------------------------------------------------------------------------------

int device_count() {
  int count = 0;
  if (cudaGetDeviceCount(&count) == cudaSuccess) return count;
  forget_error();
  return 0;
}

static std::string version_text(int version) {
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}
static int architecture_of(int index) {
  int major = 0, minor = 0;
  check(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, index), "architecture");
  check(cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, index), "architecture");
  return major * 10 + minor;
}

static void check_driver(int index) {
  int driver = 0, count = 0;
  check(cudaDriverGetVersion(&driver), "driver");
  const auto error = cudaGetDeviceCount(&count);
  forget_error();
  if (driver == 0 || error == cudaErrorNoDevice)
    throw DeviceError(
        "[cuda] there is no NVIDIA GPU that this process can use: install NVIDIA's driver if there "
        "is one in this machine (nvidia-smi shows it then), or use --device cpu");
  if (error == cudaErrorInsufficientDriver)
    throw DeviceError("[cuda] the driver knows CUDA " + version_text(driver) +
                      ", this program was built with CUDA " + version_text(CUDART_VERSION) +
                      ": update the driver, or build with an older toolkit");
  check(error, "no usable GPU");
  if (index >= count)
    throw DeviceError("[cuda] there is no cuda:" + std::to_string(index) + ": this machine has " +
                      std::to_string(count) + (count == 1 ? " GPU" : " GPUs"));
}

// A GPU for which this program has no code fails at the first kernel.
static void check_architecture(int index) {
  const auto error = try_kernel();
  if (error == cudaSuccess) return;
  if (error != cudaErrorNoKernelImageForDevice && error != cudaErrorUnsupportedPtxVersion)
    check(error, "first kernel");
  const std::string sm = std::to_string(architecture_of(index));
  throw DeviceError("[cuda] this program has no code that fits cuda:" + std::to_string(index) +
                    " (sm_" + sm + "): build it with -DCMAKE_CUDA_ARCHITECTURES=" + sm +
                    (error == cudaErrorUnsupportedPtxVersion ? ", or update the driver" : ""));
}

static void check_memory(const Cuda& machine) {
  std::size_t free = 0, total = 0;
  check(cudaMemGetInfo(&free, &total), "memory");
  const std::size_t needed = std::size_t(256) << 20;
  if (free < needed)
    throw DeviceError("[cuda] cuda:" + std::to_string(machine.index) + " has " +
                      std::to_string(free >> 20) + " MiB of " + std::to_string(total >> 20) +
                      " MiB free, fewer than the 256 MiB to start with: nvidia-smi shows which "
                      "program holds the rest");
}

static Cuda with_stream(int index, std::size_t half_bytes) {
  Cuda machine{
      .index = index, .queue = new CudaQueue, .architecture = architecture_of(index)};
  select(machine);
  CudaQueue& q = *machine.queue;
  check(cudaStreamCreateWithFlags(&q.stream, cudaStreamNonBlocking), "stream");
  check(cudaEventCreateWithFlags(&q.reached, cudaEventDisableTiming), "event");
  q.half_bytes = half_bytes;
  for (auto& half : q.halves) {
    check(cudaMallocHost(&half.memory, half_bytes), "page-locked memory");
    check(cudaEventCreateWithFlags(&half.copied, cudaEventDisableTiming), "event");
  }
  machine.stream = q.stream;
  return machine;
}

Cuda open(int index) {
  check_driver(index);
  select({.index = index});
  check_architecture(index);
  check_memory({.index = index});
  Cuda machine = with_stream(index, staging_bytes);
  CudaQueue& q = *machine.queue;
  check(cublasCreate(&q.blas), "cuBLAS does not start");
  check(cublasSetStream(q.blas, q.stream), "cuBLAS");
  check(cublasLtCreate(&q.blas_lt), "cuBLASLt does not start");
  check(cudaMalloc(&q.workspace, cuda_workspace_bytes), "cuBLAS's workspace");
  check(cublasSetWorkspace(q.blas, q.workspace, cuda_workspace_bytes), "cuBLAS's workspace");
  return machine;
}
Cuda open_copier(int index, std::size_t bytes) {
  return with_stream(index, std::max(bytes, staging_bytes));
}
void close_copier(Cuda& copier) {
  CudaQueue& q = *copier.queue;
  cudaStreamSynchronize(q.stream);
  for (auto& half : q.halves) {
    cudaEventDestroy(half.copied);
    cudaFreeHost(half.memory);
  }
  cudaEventDestroy(q.reached);
  cudaStreamDestroy(q.stream);
  forget_error();
  delete copier.queue;
  copier.queue = nullptr;
}

static cudaDeviceProp properties_of(const Cuda& machine) {
  cudaDeviceProp properties;
  check(cudaGetDeviceProperties(&properties, machine.index), "properties");
  return properties;
}
bool is_emulated(const Cuda& machine) {
  return std::strcmp(properties_of(machine).name, "emulated GPU") == 0;
}
std::string description(const Cuda& machine) {
  const cudaDeviceProp properties = properties_of(machine);
  char memory[32];
  std::snprintf(memory, sizeof memory, "%.1f GiB", double(properties.totalGlobalMem) / (1 << 30));
  return std::string(properties.name) + ", sm_" + std::to_string(machine.architecture) + ", " + memory;
}

// ---- memory ------------------------------------------------------------------------------------

// cudaMalloc is refused while the thread records, unless it says that it knows: what is allocated
// then belongs to the recording's arena. Nothing is freed meanwhile (tensor/pool.cpp): that would
// wait for the stream that records.
class Unrecorded {
 public:
  Unrecorded() { check(cudaThreadExchangeStreamCaptureMode(&mode_), "capture mode"); }
  ~Unrecorded() { cudaThreadExchangeStreamCaptureMode(&mode_); }

 private:
  cudaStreamCaptureMode mode_ = cudaStreamCaptureModeRelaxed;
};

void* allocate(Cuda& machine, std::size_t bytes) {
  select(machine);
  const Unrecorded unrecorded;
  void* p = nullptr;
  const auto error = cudaMalloc(&p, bytes);
  if (error == cudaSuccess) return p;
  if (error != cudaErrorMemoryAllocation) check(error, "allocate");
  forget_error();  // the pool frees what it caches and tries again
  return nullptr;
}
void release(Cuda& machine, void* p) {
  select(machine);
  check(cudaFree(p), "release");
}
std::size_t free_bytes(Cuda& machine) {
  select(machine);
  std::size_t free = 0, total = 0;
  check(cudaMemGetInfo(&free, &total), "memory");
  return free;
}

// Takes the next part of the staging memory, at most `wanted` bytes; waits until it is free.
static char* stage(CudaQueue& q, std::size_t wanted, std::size_t& bytes) {
  if (q.used == q.half_bytes) {
    check(cudaEventRecord(q.halves[q.half].copied, q.stream), "upload");
    q.half = 1 - q.half;
    q.used = 0;
    check(cudaEventSynchronize(q.halves[q.half].copied), "upload");
  }
  bytes = std::min(wanted, q.half_bytes - q.used);
  char* p = q.halves[q.half].memory + q.used;
  q.used += bytes;
  return p;
}

void upload(Cuda& machine, void* to, const void* from, std::size_t bytes) {
  select(machine);
  CudaQueue& q = *machine.queue;
  for (std::size_t done = 0, part = 0; done < bytes; done += part) {
    char* staged = stage(q, bytes - done, part);
    std::memcpy(staged, static_cast<const char*>(from) + done, part);
    check(cudaMemcpyAsync(static_cast<char*>(to) + done, staged, part, cudaMemcpyHostToDevice,
                          q.stream),
          "upload");
  }
}
void download(Cuda& machine, void* to, const void* from, std::size_t bytes) {
  select(machine);
  auto stream = cudaStream_t(machine.stream);
  check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, stream), "download");
  check(cudaStreamSynchronize(stream), "download");
}
void copy(Cuda& machine, void* to, const void* from, std::size_t bytes) {
  select(machine);
  check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, cudaStream_t(machine.stream)),
        "copy");
}
void copy_across(Cuda& to_machine, void* to, Cuda& from_machine, const void* from,
                 std::size_t bytes) {
  wait_for(to_machine, from_machine);
  select(to_machine);
  check(cudaMemcpyPeerAsync(to, to_machine.index, from, from_machine.index, bytes,
                            cudaStream_t(to_machine.stream)),
        "copy between GPUs");
  wait_for(from_machine, to_machine);
}
void zero(Cuda& machine, void* p, std::size_t bytes) {
  select(machine);
  check(cudaMemsetAsync(p, 0, bytes, cudaStream_t(machine.stream)), "zero");
}

void wait_for(Cuda& machine, Cuda& other) {
  select(other);
  check(cudaEventRecord(other.queue->reached, other.queue->stream), "wait_for");
  select(machine);
  check(cudaStreamWaitEvent(machine.queue->stream, other.queue->reached), "wait_for");
}
void synchronize(Cuda& machine) {
  select(machine);
  check(cudaStreamSynchronize(cudaStream_t(machine.stream)), "synchronize");
}

// ---- recordings --------------------------------------------------------------------------------

class CudaGraph : public Recording {
 public:
  CudaGraph(Cuda& machine, cudaGraph_t graph) : machine_(machine) {
    const auto error = cudaGraphInstantiate(&ready_, graph, 0);
    cudaGraphDestroy(graph);
    check(error, "graph");
  }
  ~CudaGraph() override {
    cudaStreamSynchronize(cudaStream_t(machine_.stream));  // its memory is given back after this
    cudaGraphExecDestroy(ready_);
    forget_error();
  }
  void replay() override {
    select(machine_);
    check(cudaGraphLaunch(ready_, cudaStream_t(machine_.stream)), "replay");
  }

 private:
  Cuda& machine_;
  cudaGraphExec_t ready_ = nullptr;
};

}  // namespace cuda

void begin_recording(Cuda& machine) {
  if (machine.recording) throw Error("[replay] cuda records already");
  cuda::select(machine);
  cuda::check(cudaStreamBeginCapture(machine.queue->stream, cudaStreamCaptureModeThreadLocal),
              "recording");
  machine.recording = true;
}
std::unique_ptr<Recording> end_recording(Cuda& machine) {
  machine.recording = false;
  cuda::select(machine);
  cudaGraph_t graph = nullptr;
  // Of a capture that broke off this is an error as well, and ends it.
  cuda::check(cudaStreamEndCapture(machine.queue->stream, &graph), "recording");
  return std::make_unique<cuda::CudaGraph>(machine, graph);
}

}  // namespace tweed
