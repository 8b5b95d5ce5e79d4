// The input gradient where an image has few channels, as before a stem.
//
//        dz: a window's gradient        filters, [o][patch]         products, [window][patch]
//        +-----------------+          +-------------------+         +-------------------+
//        | 64 channels     |    x     | 7 x 7 x 3         |    =    |                   |
//        +-----------------+          +-------------------+         +-------------------+
//
// A window's product is what it adds to each pixel and channel under it; a pixel gathers its
// numbers from the windows that cover it. The patch, 147 numbers wide, fills the tile's vectors, as
// the three channels of a pixel would not. Products are made a row of windows at a time, and
// forgotten when no pixel is left that they cover.
#include "kernels/conv/tiled_parts.h"

namespace tweed::tiled {
namespace {

template <class T, int channels>
class Gather {
 public:
  Gather(const AnyConv& c, const T* dz, T* dx) : c_(c), dz_(dz), dx_(dx) {
    most_rows_ = 1;
    for (int64_t h = 0; h < c.window.H; ++h) {
      const Range rows = c.window.rows.covering(h, out_h_);
      most_rows_ = std::max(most_rows_, rows.last - rows.first);
    }
  }

  void run(int threads, const T* weight, const Allocate& allocate) {
    note_places();
    const T* filters = pack(weight, allocate);
    // By shape, not by threads: a band computes some rows of windows that its neighbour does, too.
    const int64_t N = c_.window.N, H = c_.window.H;
    const int64_t most = std::max<int64_t>(1, H / (8 * c_.window.rows.span()));
    const int64_t bands = std::min(most, ceil_div(enough_tasks, std::max(N, int64_t(1))));
    const int64_t each = ceil_div(most_rows_ * row_size() + four, int64_t(16)) * 16;
    T* const scratch = numbers<T>(allocate, threads * each);
    for_tasks(N * bands, threads, [&](int64_t task, int thread) {
      const int64_t n = task / bands, band = task % bands;
      run_band(n, {H * band / bands, H * (band + 1) / bands}, filters, scratch + thread * each);
    });
  }

 private:
  static constexpr int64_t enough_tasks = 16, four = 4;
  typedef T Four __attribute__((vector_size(4 * sizeof(T)), aligned(sizeof(T)), may_alias));

  int64_t row_size() const { return out_w_ * padded_; }  // of a row of products

  // For each column of pixels, where the products of a row of windows lie that it gathers.
  void note_places() {
    const WindowAxis& columns = c_.window.columns;
    for (int64_t v = 0; v < c_.window.W; ++v) {
      first_.push_back(int32_t(places_.size()));
      const Range windows = columns.covering(v, out_w_);
      for (int64_t o = windows.first; o < windows.last; ++o)
        if (const int64_t tap = columns.tap(o, v); tap >= 0)
          places_.push_back(int32_t(o * padded_ + tap * channels));
    }
    first_.push_back(int32_t(places_.size()));
  }

  const T* pack(const T* weight, const Allocate& allocate) {
    const int64_t patch = c_.window.patch();
    T* const filters = numbers<T>(allocate, c_.out_channels * padded_);
    for (int64_t o = 0; o < c_.out_channels; ++o) {
      T* const to = filters + o * padded_;
      std::fill(std::copy_n(weight + o * patch, patch, to), to + padded_, T(0));
      steps_.push_back({int32_t(o), int32_t(o * padded_)});
    }
    return filters;
  }

  void run_band(int64_t n, Range pixels, const T* filters, T* products) const {
    const WindowAxis& rows = c_.window.rows;
    std::vector<const T*> from(std::size_t(most_rows_), nullptr);
    int64_t made = 0;
    for (int64_t h = pixels.first; h < pixels.last; ++h) {
      const Range windows = rows.covering(h, out_h_);
      for (made = std::max(made, windows.first); made < windows.last; ++made)
        multiply(dz_ + (n * out_h_ + made) * out_w_ * c_.out_channels, filters,
                 products + made % most_rows_ * row_size());
      int count = 0;
      for (int64_t o = windows.first; o < windows.last; ++o)
        if (const int64_t tap = rows.tap(o, h); tap >= 0)
          from[std::size_t(count++)] =
              products + o % most_rows_ * row_size() + tap * c_.window.columns.kernel * channels;
      gather(from.data(), count, dx_ + (n * c_.window.H + h) * c_.window.W * channels);
    }
  }

  // A row of windows: their products with all filters.
  void multiply(const T* dz, const T* filters, T* products) const {
    Tile<T> tile{.k = int64_t(steps_.size()), .steps = steps_.data()};
    for (int64_t first = 0; first < out_w_; first += tile_rows) {
      tile.rows = int(std::min<int64_t>(tile_rows, out_w_ - first));
      for (int64_t column = 0; column < padded_; column += kernel_.columns()) {
        tile.vectors = int(std::min<int64_t>(kernel_.columns(), padded_ - column)) / kernel_.lanes;
        tile.b = filters + column;
        for (int r = 0; r < tile.rows; ++r) {
          tile.a[r] = dz + (first + r) * c_.out_channels;
          tile.c[r] = products + (first + r) * padded_ + column;
        }
        kernel_.run(tile);
      }
    }
  }

  // A row of pixels: of each of the rows of products. Four numbers are added at a time, of which
  // the last are another pixel's.
  void gather(const T* const* from, int count, T* dx) const {
    for (int64_t v = 0; v < c_.window.W; ++v) {
      const int32_t first = first_[std::size_t(v)], last = first_[std::size_t(v) + 1];
      Four sum{};
      for (int i = 0; i < count; ++i)
        for (int32_t k = first; k < last; ++k)
          sum += *reinterpret_cast<const Four*>(from[i] + places_[std::size_t(k)]);
      for (int c = 0; c < channels; ++c) dx[v * channels + c] = sum[c];
    }
  }

  const TileKernel<T>& kernel_ = tile_kernel<T>();
  const AnyConv& c_;
  const T* dz_;
  T* dx_;
  int64_t out_h_ = c_.window.out_h(), out_w_ = c_.window.out_w();
  int64_t padded_ = Panels(c_.window.patch(), kernel_).padded();
  int64_t most_rows_;  // of windows, that cover a pixel
  std::vector<TileStep> steps_;
  std::vector<int32_t> places_, first_;
};

}  // namespace

template <class T>
void gather_backward_input(const AnyConv& c, int threads, const T* dz, const T* weight, T* dx,
                           const Allocate& allocate) {
  auto run = [&]<int channels>() { Gather<T, channels>(c, dz, dx).run(threads, weight, allocate); };
  switch (c.window.C) {
    case 1:
      return run.template operator()<1>();
    case 2:
      return run.template operator()<2>();
    case 3:
      return run.template operator()<3>();
    default:
      run.template operator()<4>();
  }
}

#define INSTANTIATE(T) \
  template void gather_backward_input(const AnyConv&, int, const T*, const T*, T*, const Allocate&);
INSTANTIATE(float)
INSTANTIATE(double)

}  // namespace tweed::tiled
