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
#include "kernels/conv/mma.h"
#include "kernels/conv/mma_results.h"
#include "kernels/conv/wgmma_ring.h"

namespace tweed {

namespace cuda {

template <int columns_>
struct WgmmaTile {
  static constexpr int rows = wgmma_rows, columns = columns_;
  static constexpr int warp_rows = 16, warp_columns = columns;
  /// On the way out a warp passes its sums through memory of its own, 128 bytes of a row at a time.
  template <class T>
  using Piece = Outlet<T, warp_rows, row_bytes / int(sizeof(T))>;
  static constexpr int own_bytes = Piece<float>::bytes;
  static_assert(own_bytes >= Piece<bf16>::bytes && own_bytes >= columns * int(sizeof(Moments)));
  using Stages = Ring<rows / 64, columns / 64, 4 * ring_consumers * own_bytes>;
};

template <int columns>
__device__ inline void conv_wgmma_block(const MmaSlide& m, const ResultsOf<bf16>& to,
                                        const CUtensorMap& windows, const CUtensorMap& filters,
                                        char* shared) {
  using Tile = WgmmaTile<columns>;
  const Slide& s = m.s;
  // Counted in 31 bits, of which 2^31 tiles would have 2^44 results: registers are few here.
  const int across = (s.channels + columns - 1) / columns;
  const int tiles = int((s.places() + wgmma_rows - 1) / wgmma_rows) * across;
  const int parts = (s.C + step_numbers - 1) / step_numbers;
  const int steps = s.height * s.width * parts, slices = int(m.slices);
  typename Tile::Stages ring(shared);
  ring.begin();
  // Calls f(slice, its first and last step, place, column).
  auto each = [&](auto f) {
    for (int t = int(blockIdx.x); t < slices * tiles; t += int(gridDim.x)) {
      const int slice = t / tiles, rest = t % tiles;
      f(slice, int(int64_t(steps) * slice / slices), int(int64_t(steps) * (slice + 1) / slices),
        rest / across * wgmma_rows, rest % across * columns);
    }
  };

  if (threadIdx.x < 128) {
    keep_registers<40>();
    if (threadIdx.x > 0) return;
    each([&](int, int begin, int end, int place, int column) {
      const Place p(m, place);
      const int w = p.column * s.step_w + s.left, h = p.row * s.step_h + s.top;
      int tap = begin / parts, part = begin % parts;
      for (int step = begin; step < end; ++step) {
        ring.bring([&](char* a, char* b, uint64_t* full) {
          const int c = part * step_numbers;
          tma_load_pixels(a, windows, full, c, w, h, p.n, tap % s.width, tap / s.width);
          tma_load(b, filters, full, c, tap, column);
        });
        if (++part < parts) continue;
        part = 0;
        ++tap;
      }
    });
    return;
  }
  take_registers<232>();
  const int group = int(threadIdx.x) / 128 - 1, warp = int(threadIdx.x) / 32 - 4;
  each([&](int slice, int begin, int end, int place, int column) {
    float sums[1][columns / 8][4];
    auto& flat = reinterpret_cast<float(&)[columns / 2]>(sums);
    ring.take(end - begin, [&](const char* a, const char* b, bool first) {
      const uint64_t rows = wgmma_matrix(a + group * part_bytes, 8 * row_bytes, 16),
                     other = wgmma_matrix(b, 8 * row_bytes, 16);
#pragma unroll
      for (int k = 0; k < row_bytes / 32; ++k)
        wgmma_bf16<false>(flat, rows + wgmma_further(32 * k), other + wgmma_further(32 * k),
                          !(first && k == 0));
    });
    pin(flat);
    int mine = warp;  // else its memory is worked out before all products, and kept in registers
    pin(mine);
    write_sums<bf16, Tile>(m, to, slice, sums, ring.further() + mine * Tile::own_bytes,
                           place + mine * 16, column);
    if (!to.moments) return;
    named_barrier<1, 128 * ring_consumers>();
    write_moments<Tile>(m, to.moments, int(threadIdx.x) - 128, ring.further(), place, column);
    named_barrier<1, 128 * ring_consumers>();  // before the memory is taken for the next tile
  });
}

template <int columns>
__global__ void __launch_bounds__(wgmma_threads, 1)
    conv_wgmma_kernel(MmaSlide m, bool relu, const __grid_constant__ CUtensorMap windows,
                      const __grid_constant__ CUtensorMap filters, const bf16* __restrict__ bias,
                      bf16* __restrict__ y, float* __restrict__ partial,
                      float* __restrict__ moments) {
#ifdef __CUDA_ARCH_FEAT_SM90_ALL  // here alone: what a compiler cache sees must not depend on it
  conv_wgmma_block<columns>(m, {relu, bias, y, partial, moments}, windows, filters,
                            dynamic_shared<char>());
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
void conv_wgmma(M& here, const Slide& s, const WgmmaPlan& plan, Activation activation,
                Span<const bf16> images, Span<const bf16> filters, Span<const bf16> bias,
                Span<bf16> y, Span<float> partial, Span<float> moments, int64_t blocks) {
  const int64_t tiles =
      ceil_div(s.places(), wgmma_rows) * ceil_div(s.channels, plan.columns) * plan.slices;
  if (tiles == 0) return;
  const CUtensorMap windows = map_of_windows(s, images.data(), wgmma_rows);
  const CUtensorMap other =
      map_of_matrix(filters.data(), {s.C, int64_t(s.height) * s.width, s.channels},
                    {step_numbers, 1, plan.columns});
  auto with = [&]<int n>(std::integral_constant<int, n>) {
    launch(conv_wgmma_kernel<n>,
           {.grid = blocks        ? blocks
                    : tiles < 132 ? tiles
                                  : 132,
            .block = {wgmma_threads},
            .shared = WgmmaTile<n>::Stages::bytes,
            .hopper = true},
           here, MmaSlide(s, plan.slices, 8), activation == Activation::relu, windows, other, bias,
           y, partial, moments);
  };
  if (plan.columns == 64)
    with(std::integral_constant<int, 64>());
  else if (plan.columns == 128)
    with(std::integral_constant<int, 128>());
  else
    with(std::integral_constant<int, 256>());
  if (plan.slices > 1)
    add_slices(here, s, plan.slices, activation, Span<const float>(partial), bias, y);
}
template void conv_wgmma(Cuda&, const Slide&, const WgmmaPlan&, Activation, Span<const bf16>,
                         Span<const bf16>, Span<const bf16>, Span<bf16>, Span<float>, Span<float>,
                         int64_t);

}  // namespace tweed
