// What EMULATOR_COUNT writes of kernels whose bytes and instructions are known. With
// EMULATOR_SAMPLE the figures are the same, though most blocks never ran.
#include <cuda_runtime.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

constexpr int blocks = 64, threads = 256, n = blocks * threads;

__global__ void copy_kernel(const float* x, float* y) {
  const int i = blockIdx.x * threads + threadIdx.x;
  y[i] = x[i];
}
// Each warp reads 32 sectors for 128 bytes.
__global__ void strided_kernel(const float* x, float* y) {
  const int i = blockIdx.x * threads + threadIdx.x;
  y[i] = x[i * 8];
}
// All blocks read the same 1,024 bytes.
__global__ void shared_by_all_kernel(const float* x, float* y) {
  const int i = blockIdx.x * threads + threadIdx.x;
  y[i] = x[threadIdx.x];
}
__global__ void atomic_kernel(int* sums) { atomicAdd(sums + blockIdx.x * 8, 1); }

// The part of a line that tells of bytes.
static std::string bytes(const char* what, int asked, int of_blocks, int distinct) {
  return std::string("\"") + what + "\": {\"asked\": " + std::to_string(asked) +
         ", \"of_blocks\": " + std::to_string(of_blocks) +
         ", \"distinct\": " + std::to_string(distinct) + "}";
}

static int failures = 0;
static void expect(const std::string& line, const std::string& part) {
  const bool is = line.find(part) != std::string::npos;
  std::printf("%s %s\n", is ? "ok     " : "FAILED ", part.c_str());
  if (!is) std::printf("        %s\n", line.c_str());
  failures += !is;
}

int main() {
  // A file of its own, for the test may run beside itself. Lanes that run alone ask alone.
  const std::string file = std::getenv("EMULATOR_COUNT") + std::to_string(getpid());
  setenv("EMULATOR_COUNT", file.c_str(), 1);
  setenv("EMULATOR_APART", "0", 1);
  float *x, *y;
  cudaMalloc(&x, n * 8 * sizeof(float));
  cudaMalloc(&y, n * sizeof(float));
  cudaMemset(x, 0, n * 8 * sizeof(float));
  copy_kernel<<<blocks, threads>>>(x, y);
  strided_kernel<<<blocks, threads>>>(x, y);
  shared_by_all_kernel<<<blocks, threads>>>(x, y);
  atomic_kernel<<<blocks, threads>>>(reinterpret_cast<int*>(y));
  if (cudaDeviceSynchronize() != cudaSuccess) return 1;

  std::ifstream in(file);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  if (lines.size() != 5) {
    std::printf("FAILED  %zu lines\n", lines.size());
    return 1;
  }
  expect(lines[0], "{\"memset\": {\"bytes\": 524288}}");
  for (int k = 1; k < 5; ++k) expect(lines[k], "\"grid\": [64, 1, 1], \"block\": [256, 1, 1]");
  for (int k = 1; k < 4; ++k) {
    expect(lines[k], bytes("written", 65536, 65536, 65536));
    expect(lines[k], "\"ld.global.f32\": 512");
    expect(lines[k], "\"st.global.f32\": 512");
  }
  for (int k = 1; k < 5; ++k) expect(lines[k], "\"grid\": [64, 1, 1], \"block\": [256, 1, 1]");
  expect(lines[1], bytes("read", 65536, 65536, 65536));
  expect(lines[2], bytes("read", 524288, 524288, 524288));
  const char* sample = std::getenv("EMULATOR_SAMPLE");
  // A sample of four blocks takes what they share for theirs: 16 times too much, and no more than
  // x.
  expect(lines[3], sample ? bytes("read", 65536, 65536, 16384) : bytes("read", 65536, 65536, 1024));
  expect(lines[4], bytes("read", 16384, 2048, 2048));
  expect(lines[4], bytes("written", 16384, 2048, 2048));
  std::remove(file.c_str());
  std::printf("%d failures\n", failures);
  return failures != 0;
}
