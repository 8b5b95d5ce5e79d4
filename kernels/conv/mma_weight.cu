// The fourth rung's weight gradient: dz transposed times the windows, on tensor cores.
//
// The axis that is summed over, k, now is the places of the output: thousands of them, while the
// result has a few tiles only (split-k). In memory k is the outer axis of both factors, so a step's
// tiles hold a row of channels for each of its 32 places (16 for TF32). ldmatrix.trans transposes
// bf16 on its way to the registers. It moves 16-bit numbers only, so TF32's are loaded one by one,
// by a warp those of four places and eight channels at a time, without a bank conflict.
//
//              channels 128               numbers of the patch 128
//            +-------------+             +-----------------------+
//   places   | dz          |    places   | windows, gathered     |
//     32     +-------------+      32     +-----------------------+
//            four stages of both, as in mma.cu; the sums: 128 channels x 128 numbers
//
// Each block sums over a slice of the places (split-k); a second kernel adds up the slices, in
// order.
#include "kernels/conv/mma.h"
#include "kernels/conv/mma_slide.h"
#include "kernels/conv/mma_tile.h"
#include "kernels/quotient.h"

namespace tweed {
namespace MACHINE {

// Which chunks a thread copies of a tile whose rows are places and which has `columns` numbers in a
// row: the chunk of the same number in several rows. down_k's swizzle repeats every eight rows.
template <class T, int columns>
struct ColumnShare {
  static constexpr int chunks = columns / chunk_numbers<T>, apart = mma_threads / chunks;
  static constexpr int mine = step_numbers<T> / apart, row_bytes = columns * int(sizeof(T));
  static_assert(mine > 0 && row_bytes % 128 == 0 && apart % 4 == 0);
  __device__ static int chunk() { return int(threadIdx.x) % chunks; }
  __device__ static int k(int i) { return int(threadIdx.x) / chunks + i * apart; }
  __device__ static char* place(char* tile, int i) {
    // Rows that are four apart have different swizzles in bf16; eight apart, the same.
    constexpr int same = sizeof(T) == 2 && apart == 4 ? 2 : 1;
    return tile + down_k<T>(k(i % same), chunk(), row_bytes) + i / same * same * apart * row_bytes;
  }
};

// Rows of dz, from channel `first` on.
template <class T, int columns>
struct GradientColumns {
  using Share = ColumnShare<T, columns>;
  const T* next;  // what this thread copies next
  int channels;
  // How many rows (places) the slice has from this thread's next row on; what is copied for rows
  // after them is zeros, which add nothing. 0 if the thread's chunk lies beyond the last channel,
  // so that it copies zeros only.
  int left;

  __device__ GradientColumns(const T* dz, int channels, int first, int place, int last)
      : channels(channels) {
    const int channel = first + Share::chunk() * chunk_numbers<T>;
    next = dz + int64_t(place + Share::k(0)) * channels + channel;
    left = channel < channels ? last - place - Share::k(0) : 0;
  }
  __device__ void load(char* to) {
#pragma unroll
    for (int i = 0; i < Share::mine; ++i)
      cp_async(Share::place(to, i), next + int64_t(i * Share::apart) * channels,
               i * Share::apart < left);
    left -= step_numbers<T>;
    next += int64_t(step_numbers<T>) * channels;
  }
};

// Windows, from chunk `first` of the patch on. A thread's chunk is the same for all places: of each
// it follows one pixel, which moves on by as many places as a step has.
template <class T, int columns>
struct PatchColumns {
  using Share = ColumnShare<T, columns>;
  const T* images;
  int left;                                             // as above
  int at[Share::mine], h[Share::mine], v[Share::mine];  // chunk, line and column of the pixel
  int h_end, v_end;
  Place step;

  __device__ PatchColumns(const MmaSlide& m, const T* images, int first, int place, int last)
      : images(images), step(m, step_numbers<T>) {
    const Slide& s = m.s;
    const PatchChunk tap(m, first + Share::chunk());
    left = tap.kh < s.height ? last - place - Share::k(0) : 0;
    h_end = s.rows * s.step_h + s.top + tap.kh;
    v_end = s.columns * s.step_w + s.left + tap.kw;
    for (int i = 0; i < Share::mine; ++i) {
      const Place p(m, place + Share::k(i));
      h[i] = p.row * s.step_h + s.top + tap.kh;
      v[i] = p.column * s.step_w + s.left + tap.kw;
      at[i] = ((p.n * s.H + h[i]) * s.W + v[i]) * m.chunks + tap.chunk;
    }
  }
  __device__ void load(const MmaSlide& m, char* to) {
    const Slide& s = m.s;
    const int down = step.row * s.step_h, right = step.column * s.step_w;
    const int further = ((step.n * s.H + down) * s.W + right) * m.chunks;
    const int line = s.columns * s.step_w, next_line = (s.step_h * s.W - line) * m.chunks;
    const int image = s.rows * s.step_h, next_image = (s.H - image) * s.W * m.chunks;
#pragma unroll
    for (int i = 0; i < Share::mine; ++i) {
      cp_async(Share::place(to, i), images + int64_t(at[i]) * chunk_numbers<T>,
               i * Share::apart < left && unsigned(h[i]) < unsigned(s.H) &&
                   unsigned(v[i]) < unsigned(s.W));
      at[i] += further;
      h[i] += down;
      v[i] += right;
      if (v[i] >= v_end) {
        v[i] -= line;
        h[i] += s.step_h;
        at[i] += next_line;
      }
      if (h[i] >= h_end) {
        h[i] -= image;
        at[i] += next_image;
      }
    }
    left -= step_numbers<T>;
  }
};

template <class T, class Tile>
__global__ void __launch_bounds__(mma_threads, 2)
    conv_mma_weight_kernel(MmaSlide m, int channels, const T* __restrict__ images,
                           const T* __restrict__ dz, float* __restrict__ partial) {
  const int places = int(m.s.places()), patch = m.s.patch();
  const int64_t across = (patch + Tile::columns - 1) / Tile::columns;
  const int64_t tiles = (channels + Tile::rows - 1) / Tile::rows * across;
  for (int64_t t : grid_blocks(m.slices * tiles)) {
    const int64_t slice = t / tiles;
    const int channel = int(t % tiles / across) * Tile::rows;
    const int column = int(t % across) * Tile::columns;
    const int first = int(places * slice / m.slices), last = int(places * (slice + 1) / m.slices);
    GradientColumns<T, Tile::rows> gradients(dz, channels, channel, first, last);
    PatchColumns<T, Tile::columns> patches(m, images, column / chunk_numbers<T>, first, last);
    WarpSums<Tile> sums = {};
    pipeline<Tile>((last - first + step_numbers<T> - 1) / step_numbers<T>,
                   [&](char* stage) {
                     gradients.load(stage);
                     patches.load(m, stage + Tile::left_bytes);
                   },
                   [&](const char* stage) {
#pragma unroll
                     for (int half = 0; half < 2; ++half) {
                       Fragments<T, Tile> f;
                       f.load_down_k(stage, stage + Tile::left_bytes, warp_row<Tile>(),
                                     warp_column<Tile>(), half);
                       f.multiply(sums);
                     }
                   });
    write_part<Tile>(sums, own_memory<Tile>(), partial + slice * channels * patch, channels, patch,
                     channel + warp_row<Tile>(), column + warp_column<Tile>());
    __syncthreads();  // before the next tile takes the ring
  }
}

/// Where the sum of a weight lies among those of padded patches.
struct PaddedWeights {
  int Ci, kernel, width, depth, channels, pixels;  // of the packing: one or two pixels
  int64_t apart;                                   // slices
  Quotient of_channels, of_kernel;

  PaddedWeights(const Conv& c, const Packing& p, int64_t padded_Co)
      : Ci(int(c.window.C)),
        kernel(int(c.window.kernel)),
        width(int(ceil_div(kernel, p.pixels))),  // filters have no border
        depth(int(p.depth())),
        channels(int(p.channels)),
        pixels(int(p.pixels)),
        apart(padded_Co * kernel * width * depth),
        of_channels(Ci),
        of_kernel(kernel) {}
  TWEED_INLINE int64_t operator[](int weight) const {
    const int cell = of_channels.of(weight), line = of_kernel.of(cell), kw = cell - line * kernel;
    const int column = pixels == 2 ? kw / 2 : kw, pixel = kw - column * pixels;
    return int64_t(line * width + column) * depth + pixel * channels + weight - cell * Ci;
  }
};

template <class T>
__global__ void add_weight_slices_kernel(PaddedWeights w, int64_t weights, int64_t slices,
                                         bool adds, const float* __restrict__ partial,
                                         T* __restrict__ dweight) {
  for (int64_t i : grid_stride(weights)) {
    const float* __restrict__ from = partial + w[int(i)];
    float total = 0;
#pragma unroll 4
    for (int64_t slice = 0; slice < slices; ++slice, from += w.apart) total += *from;
    dweight[i] = store<T>(adds ? load(dweight[i]) + total : total);
  }
}

}  // namespace MACHINE
using namespace MACHINE;

template <class M, class T>
void conv_mma_weight(M& here, const Slide& s, const MmaPlan& plan, int64_t padded_Co,
                     Span<const T> images, Span<const T> dz, Span<float> partial, int64_t blocks) {
  const MmaSlide m(s, plan.slices, chunk_numbers<T>);
  auto with = [&]<class Tile>() {
    const int64_t tiles = ceil_div(padded_Co, Tile::rows) * ceil_div(s.patch(), Tile::columns);
    launch(conv_mma_weight_kernel<T, Tile>,
           {.grid = blocks ? blocks : tiles * plan.slices,
            .block = {mma_threads},
            .shared = Tile::shared_bytes},
           here, m, int(padded_Co), images, dz, partial);
  };
  if (plan.tile == mma_weight_tiles[0])
    with.template operator()<BlockTile<128, 128, 64, 64>>();
  else if (plan.tile == mma_weight_tiles[1])
    with.template operator()<BlockTile<64, 128, 32, 64>>();
  else
    with.template operator()<BlockTile<64, 64, 32, 32>>();
}

template <class M, class T>
void add_weight_slices(M& here, const Conv& c, const Packing& packing, int64_t padded_Co,
                       int64_t slices, Span<const float> partial, Span<T> dweight, bool adds) {
  if (!dweight.size()) return;
  launch(add_weight_slices_kernel<T>, {.grid = ceil_div(dweight.size(), 256)}, here,
         PaddedWeights(c, packing, padded_Co), dweight.size(), slices, adds, partial, dweight);
}

#define INSTANTIATE(T)                                                                       \
  template void conv_mma_weight(Here&, const Slide&, const MmaPlan&, int64_t, Span<const T>, \
                                Span<const T>, Span<float>, int64_t);                        \
  template void add_weight_slices(Here&, const Conv&, const Packing&, int64_t, int64_t,      \
                                  Span<const float>, Span<T>, bool);
INSTANTIATE(float)
INSTANTIATE(bf16)

}  // namespace tweed
