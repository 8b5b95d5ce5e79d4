// The ring of tiles between the warp that asks TMA for them and the eight that multiply them, and
// the maps by which TMA finds them. For kernel files of compute capability 9.0.
#pragma once
#include "kernels/conv/wgmma.h"
#include "kernels/machine/hopper.h"

namespace tweed {

namespace cuda {

constexpr int ring_consumers = 2;                               // groups of four warps
constexpr int wgmma_threads = 128 * (1 + ring_consumers);       // the first group brings the tiles
constexpr int step_numbers = 64, row_bytes = 2 * step_numbers;  // of k, of a row in shared memory
constexpr int part_bytes = 64 * row_bytes;                      // 64 rows

/// The stages of A and B, each of whole parts; behind them what else a block needs.
template <int parts_of_a, int parts_of_b, int further_bytes>
struct Ring {
  static constexpr int stage_bytes = (parts_of_a + parts_of_b) * part_bytes;
  // An mbarrier wants 8 bytes; the swizzle repeats every 1024, to which nothing aligns a block's
  // memory for certain.
  static constexpr int kept = further_bytes + 256 + 1024;
  static constexpr int room = (int(shared_bytes_hopper) - kept) / stage_bytes;
  static constexpr int stages = room < 6 ? room : 6;
  static constexpr int bytes = stages * stage_bytes + kept;
  static_assert(stages >= 3);

  char* base;
  int step = 0;  // since the kernel began, of all tiles

  __device__ Ring(char* shared) : base(shared + (0u - shared_address(shared)) % 1024) {}
  __device__ uint64_t* full() const {
    return reinterpret_cast<uint64_t*>(base + stages * stage_bytes + further_bytes);
  }
  __device__ uint64_t* empty() const { return full() + stages; }
  __device__ char* further() const { return base + stages * stage_bytes; }
  __device__ char* a(int stage) const { return base + stage * stage_bytes; }
  __device__ char* b(int stage) const { return a(stage) + parts_of_a * part_bytes; }

  /// All threads, before anything else.
  __device__ void begin() {
    if (threadIdx.x == 0) {
      for (int s = 0; s < stages; ++s) {
        mbarrier_init(full() + s, 1);
        mbarrier_init(empty() + s, 4 * ring_consumers);
      }
      mbarrier_init_fence();
    }
    __syncthreads();
  }
  /// The thread that brings tiles: waits for a stage that nobody reads, announces its bytes, and
  /// calls load(a, b, mbarrier), which asks for them.
  template <class F>
  __device__ void bring(F load) {
    const int stage = step % stages;
    mbarrier_wait(empty() + stage, uint32_t(step / stages % 2 ^ 1));
    mbarrier_arrive_expecting(full() + stage, stage_bytes);
    load(a(stage), b(stage), full() + stage);
    ++step;
  }
  /// The warps that multiply: calls multiply(a, b, first) for the tiles of `count` steps. The sums
  /// are there when it returns.
  template <class F>
  __device__ void take(int count, F multiply) {
    for (int k = 0; k < count; ++k, ++step) {
      const int stage = step % stages;
      mbarrier_wait(full() + stage, uint32_t(step / stages % 2));
      wgmma_fence();
      multiply(a(stage), b(stage), k == 0);
      wgmma_commit();
      // The products before these are done: their stage may be filled again.
      wgmma_wait<1>();
      if (k > 0) release(step - 1);
    }
    wgmma_wait<0>();
    if (count > 0) release(step - 1);
  }
  __device__ void release(int taken) {
    if (threadIdx.x % 32 == 0) mbarrier_arrive(empty() + taken % stages);
  }
};

}  // namespace cuda

// ---- maps ---------------------------------------------------------------------------------------

/// The windows of a slide as `pixels` x 64 channels from each place on, by tma_load_pixels().
CUtensorMap map_of_windows(const Slide&, const bf16* images, int pixels);
/// A dense tensor, its sizes the innermost first, in boxes of 64 x ... numbers.
CUtensorMap map_of_matrix(const bf16* x, std::initializer_list<int64_t> sizes,
                          std::initializer_list<int> box);

}  // namespace tweed
