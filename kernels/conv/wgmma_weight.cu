// The fifth rung's weight gradient. Never run on a GPU.
//
// k is the places, the slow axis of both sides: a step's tiles hold 64 places of 128 channels of dz
// and of 64 or 128 channels of the windows at one tap. wgmma takes both with k down their rows,
// which only 16-bit numbers allow. The places are cut into slices, which a second pass adds up.
#include "kernels/conv/mma_slide.h"
#include "kernels/conv/wgmma_ring.h"

namespace tweed {

namespace cuda {

template <int columns>
using WeightStages = Ring<wgmma_rows / 64, columns / 64, 0>;

template <int columns>
__device__ inline void conv_wgmma_weight_block(const MmaSlide& m, const CUtensorMap& windows,
                                               const CUtensorMap& gradients, float* partial,
                                               char* shared) {
  const Slide& s = m.s;
  const int taps = s.height * s.width, steps = int((s.places() + step_numbers - 1) / step_numbers);
  const int64_t across = (s.C + columns - 1) / columns;
  const int64_t tiles = (s.channels + wgmma_rows - 1) / wgmma_rows * taps * across;
  WeightStages<columns> ring(shared);
  ring.begin();
  // Calls f(slice, its first and last step, channel of dz, tap, channel of the windows).
  auto each = [&](auto f) {
    for (int64_t t : grid_blocks(m.slices * tiles)) {
      const int64_t slice = t / tiles, rest = t % tiles;
      f(slice, int(steps * slice / m.slices), int(steps * (slice + 1) / m.slices),
        int(rest / (taps * across)) * wgmma_rows, int(rest / across % taps),
        int(rest % across) * columns);
    }
  };

  if (threadIdx.x < 128) {
    keep_registers<40>();
    if (threadIdx.x > 0) return;
    each([&](int64_t, int begin, int end, int channel, int tap, int column) {
      for (int step = begin; step < end; ++step)
        ring.bring([&](char* a, char* b, uint64_t* full) {
          const Place p(m, step * step_numbers);
          const int w = p.column * s.step_w + s.left, h = p.row * s.step_h + s.top;
          for (int part = 0; part < wgmma_rows / 64; ++part)
            tma_load(a + part * part_bytes, gradients, full, channel + 64 * part,
                     step * step_numbers);
          for (int part = 0; part < columns / 64; ++part)
            tma_load_pixels(b + part * part_bytes, windows, full, column + 64 * part, w, h, p.n,
                            tap % s.width, tap / s.width);
        });
    });
    return;
  }
  take_registers<232>();
  const int group = int(threadIdx.x) / 128 - 1, warp = int(threadIdx.x) / 32 - 4,
            lane = int(threadIdx.x) % 32;
  each([&](int64_t slice, int begin, int end, int channel, int tap, int column) {
    float sums[columns / 2];
    ring.take(end - begin, [&](const char* a, const char* b, bool first) {
      const uint64_t rows = wgmma_matrix(a + group * part_bytes, 8 * row_bytes, part_bytes),
                     other = wgmma_matrix(b, 8 * row_bytes, part_bytes);
#pragma unroll
      for (int k = 0; k < step_numbers / 16; ++k) {
        const uint64_t further = wgmma_further(16 * k * row_bytes);
        wgmma_bf16<true>(sums, rows + further, other + further, !(first && k == 0));
      }
    });
    pin(sums);
#pragma unroll
    for (int j = 0; j < columns / 2; j += 2) {
      const int o = channel + warp * 16 + lane / 4 + j / 2 % 2 * 8,
                c = column + j / 4 * 8 + lane % 4 * 2;
      if (o >= s.channels || c >= s.C) continue;
      *reinterpret_cast<float2*>(partial + ((slice * s.channels + o) * taps + tap) * s.C + c) =
          float2{sums[j], sums[j + 1]};
    }
  });
}

template <int columns>
__global__ void __launch_bounds__(wgmma_threads, 1)
    conv_wgmma_weight_kernel(MmaSlide m, const __grid_constant__ CUtensorMap windows,
                             const __grid_constant__ CUtensorMap gradients,
                             float* __restrict__ partial) {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL  // here alone: what a compiler cache sees must not depend on it
  conv_wgmma_weight_block<columns>(m, windows, gradients, partial, dynamic_shared<char>());
#else
  __trap();
#endif
}

}  // namespace cuda
using namespace cuda;

template <class M>
void conv_wgmma_weight(M& here, const Slide& s, const WgmmaWeightPlan& plan,
                       Span<const bf16> images, Span<const bf16> dz, Span<float> partial,
                       int64_t blocks) {
  const int64_t tiles = ceil_div(s.channels, wgmma_rows) * s.height * s.width *
                        ceil_div(s.C, plan.columns) * plan.slices;
  const CUtensorMap windows = map_of_windows(s, images.data(), step_numbers);
  const CUtensorMap gradients =
      map_of_matrix(dz.data(), {s.channels, s.places()}, {64, step_numbers});
  auto with = [&]<int n>(std::integral_constant<int, n>) {
    launch(conv_wgmma_weight_kernel<n>,
           {.grid = blocks        ? blocks
                    : tiles < 132 ? tiles
                                  : 132,
            .block = {wgmma_threads},
            .shared = WeightStages<n>::bytes,
            .hopper = true},
           here, MmaSlide(s, plan.slices, 8), windows, gradients, partial);
  };
  if (plan.columns == 64)
    with(std::integral_constant<int, 64>());
  else
    with(std::integral_constant<int, 128>());
}
template void conv_wgmma_weight(Cuda&, const Slide&, const WgmmaWeightPlan&, Span<const bf16>,
                                Span<const bf16>, Span<float>, int64_t);

}  // namespace tweed
