// The fifth rung: the implicit product by wgmma, its tiles brought by TMA. Forward, and the input
// gradient. Never run on a GPU.
//
// What mma wastes: its warps read each number of a tile from shared memory twice, once for the warp
// beside them and once for the one below, which takes longer than the tensor cores do; they compute
// addresses, and they wait at a barrier for every step.
//
// What this does: wgmma reads a tile from shared memory by itself, for 64 rows at once. TMA finds
// the windows by itself: a map has the images, how far windows reach beyond them, and their steps;
// one thread names a place, a tap and a channel, and 128 places x 64 channels come, with zeros for
// what lies outside. So a block has one warp that asks for tiles, and two groups of four that
// multiply, each 64 places by all channels of the tile. Nobody waits for all: a stage of the ring
// has an mbarrier for "full" and one for "empty".
//
//                    k -> 64 channels of a tap     filters 64, 128 or 256
//                          +---+                 +---------------+
//                          | A |                 | B             | 128 bytes
//                          |   |                 +---------------+
//        places   group 1  |   | 64              |  64 x filters |        warp 0     |full | groups
//          128             |---|                 |---------------|        asks TMA   | --> |  1 and
//          2
//                 group 2  |   | 64              |  64 x filters |                   | <-- |
//                 multiply
//                          +---+                 +---------------+                   empty
//
// Rows of 128 bytes lie in shared memory with their chunks exchanged as the tensor map and the
// matrix descriptors both say, so that neither meets a bank conflict.
#include "kernels/conv/mma_slide.h"
#include "kernels/conv/wgmma_ring.h"

namespace tweed {

namespace cuda {

template <int columns>
struct WgmmaTile {
  // On the way out a warp passes its sums through memory of its own, 64 columns at a time, in rows
  // whose 16 bytes more keep them out of each other's banks.
  static constexpr int out_row = row_bytes + 16, out_bytes = 16 * out_row;
  using Stages = Ring<wgmma_rows / 64, columns / 64, 4 * ring_consumers * out_bytes>;
};

struct alignas(16) EightBf16 {
  bf16 v[8];
};

// Where a place's result begins.
__device__ inline bf16* result_of(const MmaSlide& m, bf16* y, int place) {
  const Slide& s = m.s;
  const Place p(m, place);
  const int h = p.row * s.out_step + s.out_top, v = p.column * s.out_step + s.out_left;
  return y + ((int64_t(p.n) * s.out_H + h) * s.out_W + v) * s.channels;
}

// A warp's 16 places: bias, activation, and out.
template <int columns>
__device__ inline void write_sums(const MmaSlide& m, bool relu, const bf16* bias, bf16* y,
                                  const float (&sums)[columns / 2], char* own, int place,
                                  int first) {
  constexpr int out_row = WgmmaTile<columns>::out_row;
  const int lane = threadIdx.x % 32, places = int(m.s.places()), channels = m.s.channels;
#pragma unroll
  for (int part = 0; part < columns / 64; ++part) {
    // What sums are added to takes the same way in, so that each number is rounded once.
    for (int i = lane; m.s.adds && i < 16 * 8; i += 32) {
      const int row = i / 8, channel = first + part * 64 + i % 8 * 8;
      if (place + row >= places || channel >= channels) continue;
      *reinterpret_cast<EightBf16*>(own + row * out_row + i % 8 * 16) =
          *reinterpret_cast<const EightBf16*>(result_of(m, y, place + row) + channel);
    }
    __syncwarp();
#pragma unroll
    for (int j = 0; j < 32; j += 2) {
      const int row = lane / 4 + j / 2 % 2 * 8, column = j / 4 * 8 + lane % 4 * 2;
      bf16 pair[2];
#pragma unroll
      for (int e = 0; e < 2; ++e) {
        const int channel = first + part * 64 + column + e;
        float v = sums[part * 32 + j + e];
        if (bias && channel < channels) v += load(bias[channel]);
        if (m.s.adds) v += load(reinterpret_cast<const bf16*>(own + row * out_row + column * 2)[e]);
        pair[e] = store<bf16>(relu && v <= 0 ? 0.0f : v);
      }
      uint32_t both;
      memcpy(&both, pair, sizeof both);
      *reinterpret_cast<uint32_t*>(own + row * out_row + column * 2) = both;
    }
    __syncwarp();
    for (int i = lane; i < 16 * 8; i += 32) {
      const int row = i / 8, channel = first + part * 64 + i % 8 * 8;
      if (place + row >= places || channel >= channels) continue;
      *reinterpret_cast<EightBf16*>(result_of(m, y, place + row) + channel) =
          *reinterpret_cast<const EightBf16*>(own + row * out_row + i % 8 * 16);
    }
    __syncwarp();
  }
}

template <int columns>
__device__ inline void conv_wgmma_block(const MmaSlide& m, bool relu, const CUtensorMap& windows,
                                        const CUtensorMap& filters, const bf16* bias, bf16* y,
                                        char* shared) {
  using Stages = typename WgmmaTile<columns>::Stages;
  const Slide& s = m.s;
  const int64_t across = (s.channels + columns - 1) / columns;
  const int64_t tiles = (s.places() + wgmma_rows - 1) / wgmma_rows * across;
  const int parts = (s.C + step_numbers - 1) / step_numbers, taps = s.height * s.width;
  Stages ring(shared);
  ring.begin();

  if (threadIdx.x < 128) {
    keep_registers<40>();
    if (threadIdx.x > 0) return;
    for (int64_t t : grid_blocks(tiles)) {
      const int column = int(t % across) * columns;
      const Place p(m, int(t / across) * wgmma_rows);
      const int w = p.column * s.step_w + s.left, h = p.row * s.step_h + s.top;
      for (int tap = 0; tap < taps; ++tap)
        for (int part = 0; part < parts; ++part)
          ring.bring([&](char* a, char* b, uint64_t* full) {
            const int c = part * step_numbers;
            tma_load_pixels(a, windows, full, c, w, h, p.n, tap % s.width, tap / s.width);
            tma_load(b, filters, full, c, tap, column);
          });
    }
    return;
  }
  take_registers<232>();
  const int group = int(threadIdx.x) / 128 - 1, warp = int(threadIdx.x) / 32 - 4;
  for (int64_t t : grid_blocks(tiles)) {
    const int column = int(t % across) * columns, place = int(t / across) * wgmma_rows;
    float sums[columns / 2];
    ring.take(taps * parts, [&](const char* a, const char* b, bool first) {
      const uint64_t rows = wgmma_matrix(a + group * part_bytes, 8 * row_bytes, 16),
                     other = wgmma_matrix(b, 8 * row_bytes, 16);
#pragma unroll
      for (int k = 0; k < row_bytes / 32; ++k)
        wgmma_bf16<false>(sums, rows + wgmma_further(32 * k), other + wgmma_further(32 * k),
                          !(first && k == 0));
    });
    pin(sums);
    write_sums<columns>(m, relu, bias, y, sums,
                        ring.further() + warp * WgmmaTile<columns>::out_bytes, place + warp * 16,
                        column);
  }
}

template <int columns>
__global__ void __launch_bounds__(wgmma_threads, 1)
    conv_wgmma_kernel(MmaSlide m, bool relu, const __grid_constant__ CUtensorMap windows,
                      const __grid_constant__ CUtensorMap filters, const bf16* __restrict__ bias,
                      bf16* __restrict__ y) {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL  // here alone: what a compiler cache sees must not depend on it
  conv_wgmma_block<columns>(m, relu, windows, filters, bias, y, dynamic_shared<char>());
#else
  __trap();
#endif
}

}  // namespace cuda

// ---- maps ---------------------------------------------------------------------------------------

namespace {

// A function of the driver, which nothing here is linked to.
template <class F>
F* driver_function(const char* name) {
  void* found = nullptr;
  cudaDriverEntryPointQueryResult result;
#if CUDART_VERSION >= 12050
  cudaGetDriverEntryPointByVersion(name, &found, 12000, cudaEnableDefault, &result);
#else
  cudaGetDriverEntryPoint(name, &found, cudaEnableDefault, &result);
#endif
  if (!found) throw DeviceError("the NVIDIA driver has no " + std::string(name));
  return reinterpret_cast<F*>(found);
}
void check_map(CUresult result, const char* what) {
  if (result != CUDA_SUCCESS)
    throw DeviceError("[conv2d] 'wgmma' got no tensor map of " + std::string(what) + ": error " +
                      std::to_string(int(result)));
}

}  // namespace

CUtensorMap map_of_windows(const Slide& s, const bf16* images, int pixels) {
  static auto* const encode =
      driver_function<decltype(cuTensorMapEncodeIm2col)>("cuTensorMapEncodeIm2col");
  auto u = [](int64_t n) { return cuuint64_t(n); };
  const cuuint64_t sizes[] = {u(s.C), u(s.W), u(s.H), u(s.N)};
  const cuuint64_t strides[] = {2 * u(s.C), 2 * u(s.C) * u(s.W), 2 * u(s.C) * u(s.W) * u(s.H)};
  // Windows begin between the corners: the first at `lower`, the last just before the images' size
  // plus `upper`.
  const int lower[] = {s.left, s.top};
  const int upper[] = {s.left + (s.columns - 1) * s.step_w + 1 - s.W,
                       s.top + (s.rows - 1) * s.step_h + 1 - s.H};
  const cuuint32_t steps[] = {1, cuuint32_t(s.step_w), cuuint32_t(s.step_h), 1};
  CUtensorMap map;
  check_map(encode(&map, CU_TENSOR_MAP_DATA_TYPE_BFLOAT16, 4, const_cast<bf16*>(images), sizes,
                   strides, lower, upper, cuda::step_numbers, cuuint32_t(pixels), steps,
                   CU_TENSOR_MAP_INTERLEAVE_NONE, CU_TENSOR_MAP_SWIZZLE_128B,
                   CU_TENSOR_MAP_L2_PROMOTION_L2_128B, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE),
            "the windows");
  return map;
}

CUtensorMap map_of_matrix(const bf16* x, std::initializer_list<int64_t> sizes,
                          std::initializer_list<int> box) {
  static auto* const encode =
      driver_function<decltype(cuTensorMapEncodeTiled)>("cuTensorMapEncodeTiled");
  cuuint64_t all[5], strides[5], stride = sizeof(bf16);
  cuuint32_t boxes[5], rank = 0;
  const cuuint32_t steps[] = {1, 1, 1, 1, 1};
  for (int64_t size : sizes) {
    all[rank] = cuuint64_t(size);
    strides[rank] = stride *= cuuint64_t(size);
    boxes[rank] = cuuint32_t(box.begin()[rank]);
    ++rank;
  }
  CUtensorMap map;
  check_map(encode(&map, CU_TENSOR_MAP_DATA_TYPE_BFLOAT16, rank, const_cast<bf16*>(x), all, strides,
                   boxes, steps, CU_TENSOR_MAP_INTERLEAVE_NONE, CU_TENSOR_MAP_SWIZZLE_128B,
                   CU_TENSOR_MAP_L2_PROMOTION_L2_128B, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE),
            "the filters");
  return map;
}

// ---- the launch ---------------------------------------------------------------------------------

using namespace cuda;

bool has_conv_wgmma([[maybe_unused]] const Cuda& here) {
#ifdef TWEED_SM90A
  return here.architecture == 90;
#else
  return false;
#endif
}

template <class M>
void conv_wgmma(M& here, const Slide& s, int columns, Activation activation,
                Span<const bf16> images, Span<const bf16> filters, Span<const bf16> bias,
                Span<bf16> y, int64_t blocks) {
  const int64_t tiles = ceil_div(s.places(), wgmma_rows) * ceil_div(s.channels, columns);
  if (tiles == 0) return;
  const CUtensorMap windows = map_of_windows(s, images.data(), wgmma_rows);
  const CUtensorMap other = map_of_matrix(
      filters.data(), {s.C, int64_t(s.height) * s.width, s.channels}, {step_numbers, 1, columns});
  auto with = [&]<int n>(std::integral_constant<int, n>) {
    launch(conv_wgmma_kernel<n>,
           {.grid = blocks        ? blocks
                    : tiles < 132 ? tiles
                                  : 132,
            .block = {wgmma_threads},
            .shared = WgmmaTile<n>::Stages::bytes,
            .hopper = true},
           here, MmaSlide(s, 1, 8), activation == Activation::relu, windows, other, bias, y);
  };
  if (columns == 64)
    with(std::integral_constant<int, 64>());
  else if (columns == 128)
    with(std::integral_constant<int, 128>());
  else
    with(std::integral_constant<int, 256>());
}
template void conv_wgmma(Cuda&, const Slide&, int, Activation, Span<const bf16>, Span<const bf16>,
                         Span<const bf16>, Span<bf16>, int64_t);

}  // namespace tweed
