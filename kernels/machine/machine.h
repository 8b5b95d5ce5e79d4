// The three machines and the shape of a launch: all that host code needs to call a launcher.
#pragma once
#include <cstddef>
#include <cstdint>

#include "kernels/machine/dtype.h"
#include "kernels/machine/error.h"
#include "kernels/machine/span.h"

namespace tweed {

struct Dim {
  int x = 1, y = 1;
};

/// A launch: a row of blocks, each of block.x * block.y threads, with `shared` bytes of dynamic
/// shared memory. On `cpu` a block is one thread, and `grid * block` only says how much work there
/// is. Kernels give the same result for every grid and block they support.
struct Config {
  int64_t grid = 1;
  Dim block = {256, 1};
  std::size_t shared = 0;
  /// Elements that the launch visits, where that is not the number of threads: small launches stay
  /// on one CPU thread.
  int64_t work = 0;
  bool hopper = false;  ///< for compute capability 9.0 only: up to shared_bytes_hopper
};

constexpr int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

/// A warp for each row, up to eight in a block.
constexpr Config warp_per_row(int64_t rows, int64_t columns) {
  const int warps = rows < 8 ? int(rows) : 8;
  return {.grid = ceil_div(rows, 8), .block = {32, warps ? warps : 1}, .work = rows * columns};
}

/// Columns of threads for column_sum(), which add up what a kernel left in many rows of C sums.
constexpr Config column_sum_config(int64_t C, int64_t rows) {
  int threads = 4;
  while (threads < 128 && threads < rows) threads *= 2;
  return {.grid = ceil_div(C, 8), .block = {8, threads}, .work = C * rows};
}

/// Shared memory that a block gets on every machine without asking for more.
constexpr std::size_t shared_bytes_limit = 48 * 1024;
/// The most that a launch may ask for: what every GPU since sm_80 has for a block.
constexpr std::size_t shared_bytes_most = 96 * 1024;
/// The same for a launch that no other GPU will see.
constexpr std::size_t shared_bytes_hopper = 227 * 1024;

/// Throws DeviceError for a launch that a GPU would refuse; the same limits on every machine.
void check_launch(const Config& config);

// A launcher is a template on one of these, instantiated by each compilation of its .cu file. None
// is thread-safe: one host thread at a time launches on a machine.

/// Blocks are spread over OpenMP's threads.
struct Cpu {
  int threads = 0;                             ///< 0: OpenMP's default
  const struct ConvAlgorithm* conv = nullptr;  ///< see set_conv_algorithm() of autograd/conv.h

  bool has_tensor_cores() const { return false; }
};

/// Every CUDA thread is a fiber; every access is checked. A launch that did something wrong throws
/// SimulatorError after naming up to max_errors findings.
struct Sim {
  int max_errors = 10;
  class SimRecording* recording = nullptr;  ///< see recording.h
  bool count_banks = false;                 ///< see sim/banks.h
  const struct ConvAlgorithm* conv = nullptr;

  bool has_tensor_cores() const { return true; }
};

/// A GPU, with a stream that all its work is done on in order.
struct Cuda {
  int index = 0;
  struct CudaQueue* queue =
      nullptr;             ///< stream, libraries' handles, staging memory; cuda/runtime.h
  void* stream = nullptr;  ///< a cudaStream_t
  int architecture = 0;    ///< 80 for sm_80
  bool tf32 = false;       ///< products of float matrices round their factors to TF32
  bool recording = false;  ///< see recording.h
  const struct ConvAlgorithm* conv = nullptr;

  /// Those with bfloat16 and TF32; see tensor_cores.h.
  bool has_tensor_cores() const { return architecture >= 80; }
};

/// What the simulator found wrong, a finding a line, each with file, line, block and thread.
struct SimulatorError : Error {
  using Error::Error;
};

}  // namespace tweed
