// Sums of rows with weights: pooling, interpolation and their gradients. For kernel files, which
// include it inside namespace tweed::MACHINE.

/// The columns of a row that are added up at once, in shared memory.
constexpr int64_t row_sum_tile = 256;

/// out[c] = the sum of weight * row[c] over all rows added, in their order, 0 if there are none.
///
/// Rows are kept back until there are four and then added in one pass over the columns: a pass for
/// each row would read and write the sum each time, three times the memory traffic of reading the
/// row alone. The last rows, four at most, are added while the result is written to `out`.
/// `sum` has an element for each column; a thread touches only those of its own columns.
template <class T>
class RowSum {
 public:
  using A = acc_t<T>;
  __device__ RowSum(int64_t width, A* sum) : width_(width), sum_(sum) {}

  __device__ void add(const T* row, A weight) {
    if (count_ == 4) {
      pass<4>([&](int64_t c, A v) { sum_[c] = v; });
      count_ = 0;
      fresh_ = false;
    }
    // Registers cannot be indexed: row_[count_] = row, an index that is not a constant, would make
    // nvcc keep both arrays in local memory. Unrolled, this loop has constant indexes alone.
#pragma unroll
    for (int k = 0; k < 4; ++k) {
      row_[k] = k == count_ ? row : row_[k];
      weight_[k] = k == count_ ? weight : weight_[k];
    }
    ++count_;
  }
  __device__ void finish(T* __restrict__ out) {
    auto put = [&](int64_t c, A v) { out[c] = store<T>(v); };
    switch (count_) {
      case 0:
        return pass<0>(put);
      case 1:
        return pass<1>(put);
      case 2:
        return pass<2>(put);
      case 3:
        return pass<3>(put);
      default:
        return pass<4>(put);
    }
  }

 private:
  template <int n, class Put>
  __device__ __forceinline__ void pass(Put put) {
    const T* __restrict__ r0 = row_[0];
    const T* __restrict__ r1 = row_[1];
    const T* __restrict__ r2 = row_[2];
    const T* __restrict__ r3 = row_[3];
    const A w0 = weight_[0], w1 = weight_[1], w2 = weight_[2], w3 = weight_[3];
    A* __restrict__ sum = sum_;
    const bool fresh = fresh_;
    for (int64_t c : block_stride(width_)) {
      A v = fresh ? A(0) : sum[c];
      if constexpr (n > 0) v += w0 * load(r0[c]);
      if constexpr (n > 1) v += w1 * load(r1[c]);
      if constexpr (n > 2) v += w2 * load(r2[c]);
      if constexpr (n > 3) v += w3 * load(r3[c]);
      put(c, v);
    }
  }

  int64_t width_;
  A* sum_;
  const T* row_[4] = {};
  A weight_[4] = {};
  int count_ = 0;
  bool fresh_ = true;
};

/// RowSum for rows of 3 columns, the colours of a pixel, which a thread keeps to itself.
template <class T>
class ColourSum {
 public:
  using A = acc_t<T>;
  __device__ ColourSum(int64_t, A*) {}
  __device__ void add(const T* row, A weight) {
    red_ += weight * load(row[0]);
    green_ += weight * load(row[1]);
    blue_ += weight * load(row[2]);
  }
  __device__ void finish(T* out) const {
    out[0] = store<T>(red_);
    out[1] = store<T>(green_);
    out[2] = store<T>(blue_);
  }

 private:
  A red_ = 0, green_ = 0, blue_ = 0;
};

/// A launch for so many rows of sums, each of which has `row_sum_tile` cells of shared memory.
template <class T>
static Config row_sum_config(int64_t rows, int64_t work) {
  const Dim block = {32, 8};
  return {.grid = ceil_div(rows, block.y),
          .block = block,
          .shared = block.y * row_sum_tile * sizeof(acc_t<T>),
          .work = work};
}
