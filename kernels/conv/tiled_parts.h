// What the files of tiled.h share.
#pragma once
#include <omp.h>

#include "kernels/conv/register_tile.h"
#include "kernels/conv/tiled.h"
#include "kernels/conv/windows.h"

namespace tweed::tiled {

/// Bytes that a block of work may take of a core's second cache, beside the filters.
constexpr int64_t block_bytes = 256 * 1024;
/// Steps of k between visits to the results: as many keep a panel of 64 columns in 64 KB.
constexpr int64_t most_steps = 256;

template <class T>
T* numbers(const Allocate& allocate, int64_t count) {
  return static_cast<T*>(allocate(std::size_t(std::max<int64_t>(count, 1)) * sizeof(T)));
}

/// Columns of a matrix cut into panels as wide as a tile; the last has as few vectors as hold the
/// rest, and zeros behind it.
struct Panels {
  int64_t columns, lanes, widest;
  template <class T>
  Panels(int64_t n, const TileKernel<T>& k) : columns(n), lanes(k.lanes), widest(k.columns()) {}
  int64_t count() const { return ceil_div(columns, widest); }
  int64_t padded() const { return ceil_div(columns, lanes) * lanes; }
  int64_t used(int64_t panel) const { return std::min(widest, columns - panel * widest); }
  int64_t width(int64_t panel) const { return std::min(widest, padded() - panel * widest); }
};

/// Runs f(task, thread) for each task, on at most `threads` threads.
template <class F>
void for_tasks(int64_t tasks, int threads, F f) {
#pragma omp parallel for schedule(dynamic) num_threads(threads) if (threads > 1)
  for (int64_t task = 0; task < tasks; ++task) f(task, threads > 1 ? omp_get_thread_num() : 0);
}

/// Whether so few blocks would leave threads without work at the end.
inline bool too_few(int64_t blocks, int threads) {
  return blocks < std::max<int64_t>(8, 2 * int64_t(threads));
}

/// One where waking the others would cost more than it saves.
inline int threads_for(const Cpu& here, const AnyConv& c) {
  const int64_t work = c.window.places() * c.window.patch() * c.out_channels;
  if (work < (1 << 18) || omp_in_parallel()) return 1;
  return here.threads ? here.threads : omp_get_max_threads();
}

/// Windows of a block and phase in the order of the results, as places to read from and write to.
class Places {
 public:
  Places(const Windows& w, const Phase& phase, const Block& block)
      : w_(w), phase_(phase), block_(block), last_(std::min(block.rows.last, phase.rows.count)) {}
  int64_t count() const {
    return (block_.images.last - block_.images.first) *
           std::max<int64_t>(0, last_ - block_.rows.first) * phase_.columns.count;
  }
  /// f(elements from the band's data, elements from the results' first) for each.
  template <class T, class F>
  void each(const Band<T>& band, F f) const {
    for (int64_t n = block_.images.first; n < block_.images.last; ++n)
      for (int64_t i = block_.rows.first; i < last_; ++i) {
        const int64_t from = (n - block_.images.first) * band.image +
                             (i - block_.rows.first) * w_.row_step() * band.row;
        const int64_t row = phase_.rows.first + i * phase_.rows.apart;
        for (int64_t j = 0; j < phase_.columns.count; ++j) {
          const int64_t column = phase_.columns.first + j * phase_.columns.apart;
          f(from + j * w_.column_step() * w_.C,
            ((n * w_.out_h + row) * w_.out_w + column) * w_.out_channels);
        }
      }
  }

 private:
  const Windows& w_;
  const Phase& phase_;
  const Block& block_;
  int64_t last_;
};

/// Memory that the next block of a weight gradient reads, handed to the tiles of this one piece by
/// piece: what comes from far away arrives while they compute.
class Ahead {
 public:
  template <class T>
  void add(const T* from, int64_t count) {
    ranges_.push_back({reinterpret_cast<const char*>(from), count * int64_t(sizeof(T))});
  }
  /// What a tile of k steps should fetch, or null.
  const char* next(int64_t k) {
    if (ranges_.empty()) return nullptr;
    auto& [from, bytes] = ranges_.back();
    const char* piece = from;
    from += k * 64;
    bytes -= k * 64;
    if (bytes <= 0) ranges_.pop_back();
    return piece;
  }

 private:
  std::vector<std::pair<const char*, int64_t>> ranges_;
};

/// Slabs of a weight gradient. All their sums stay within 2 MB, or there is one slab.
inline int64_t slabs_for(int64_t blocks, int64_t weights) {
  return std::clamp<int64_t>((int64_t(1) << 19) / std::max<int64_t>(weights, 1), 1,
                             std::min<int64_t>(blocks, 8));
}

/// conv_tiled_backward_weight with the patch along the tile's rows, for any number of channels.
template <class T>
void patch_backward_weight(const AnyConv& c, int threads, Span<const T> x, Span<const T> dy,
                           Span<T> dweight, const Allocate& allocate);

/// True if `few_results` is meant for these windows: results of at most half a vector.
template <class T>
bool has_few_results(const Windows& w) {
  const int lanes = tile_kernel<T>().lanes;
  return w.row_step() == 1 && w.column_step() == 1 &&
         w.out_channels <= std::min(lanes / 2, tile_rows);
}
/// What the filter of a result has at a tap and channel.
template <class T>
using Weight = std::function<T(const Tap& row, const Tap& column, int64_t channel, int64_t result)>;
/// Windows times filters, with pixels along the vectors. The bias may be null.
template <class T>
void few_results(const Windows& w, int threads, const T* source, const T* bias, bool relu, T* y,
                 const Weight<T>& weight, const Allocate&);

/// True if `gather_backward_input` is meant for this convolution: images of a few channels, as
/// before a stem, and windows of which the rows that cover a pixel have products of a few
/// megabytes. (Those of 31 x 31 pixels would have 80, for each thread.)
template <class T>
bool can_gather(const AnyConv& c) {
  const WindowAxis& rows = c.window.rows;
  const int64_t covering = ceil_div(rows.span(), rows.stride);
  const int64_t bytes = covering * c.window.out_w() * c.window.patch() * int64_t(sizeof(T));
  return c.window.C >= 1 && c.window.C <= 4 && bytes <= 4 * 1024 * 1024;
}
/// conv_tiled_backward_input where can_gather().
template <class T>
void gather_backward_input(const AnyConv& c, int threads, const T* dz, const T* weight, T* dx,
                           const Allocate& allocate);

}  // namespace tweed::tiled
