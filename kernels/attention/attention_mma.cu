// Attention on tensor cores: the products of attention.cu by mma.sync, scores in registers.
//
// A block takes 64 rows of one head of one window, 16 for each of its four warps; tiles of the
// other side pass through shared memory. What a warp's accumulators hold of scores after one
// product is, rounded to bf16, what the next takes as its left factor, so that scores never leave
// the registers:
//
//   scores (16 x tile) = own rows (16 x D) . other rows^T       ldmatrix both
//   sums (16 x D)     += f(scores) . other rows                 ldmatrix_trans
//
// Rows are 16 bytes longer than they would have to be: ldmatrix then finds eight of them in eight
// different banks. Source: Dao 2023, arXiv:2307.08691.
#include "kernels/attention/attention_mma.h"
#include "kernels/machine/tensor_cores.h"
#include "kernels/math.h"
#include "kernels/packs/packs.h"

namespace tweed {
namespace MACHINE {

#include "kernels/attention/attention_unit.h"

constexpr int attention_rows = 64, attention_threads = 128;

// Heads of up to 16 * depth channels.
template <int depth>
struct MmaHead {
  static constexpr int tile = depth > 4 ? 16 : 64;  // of the other side: what registers hold
  static constexpr int score_tiles = tile / 8, channel_tiles = 2 * depth;
  static constexpr int chunks = 2 * depth, pitch = chunks * 16 + 16;  // bytes of a row
  static constexpr std::size_t rows_bytes = attention_rows * pitch, tile_bytes = tile * pitch;
  static constexpr std::size_t forward_bytes = rows_bytes + 2 * tile_bytes;
  static constexpr std::size_t backward_bytes =
      2 * rows_bytes + 2 * tile_bytes + 2 * tile * sizeof(float);
};

__device__ inline int lane_of() { return int(threadIdx.x) % 32; }
// The first row of the warp.
__device__ inline int warp_row() { return int(threadIdx.x) / 32 * 16; }

// Begins to copy `rows` rows of a head: token first + i to row i, zeros from `count` and from D on.
template <int depth>
__device__ inline void load_rows(int rows, const bf16* from, int64_t stride, int64_t D,
                                 const TokenWindow& w, int64_t first, int64_t count, char* to) {
  using Head = MmaHead<depth>;
  for (int i = threadIdx.x; i < rows * Head::chunks; i += attention_threads) {
    const int row = i / Head::chunks, chunk = i % Head::chunks;
    const bool wanted = row < count && chunk * 8 < D;
    cp_async(to + row * Head::pitch + chunk * 16,
             from + (wanted ? w[first + row] * stride + chunk * 8 : 0), wanted);
  }
}

// scores[n] = own rows . other rows 8 n to 8 n + 8.
template <int depth>
__device__ inline void score_products(const char* own, const char* other,
                                      float (&scores)[MmaHead<depth>::score_tiles][4]) {
  using Head = MmaHead<depth>;
  const int lane = lane_of();
#pragma unroll
  for (int n = 0; n < Head::score_tiles; ++n)
#pragma unroll
    for (int e = 0; e < 4; ++e) scores[n][e] = 0;
#pragma unroll
  for (int k = 0; k < depth; ++k) {
    uint32_t a[4];
    ldmatrix(a, own + (warp_row() + lane % 16) * Head::pitch + (2 * k + lane / 16) * 16);
#pragma unroll
    for (int n = 0; n < Head::score_tiles; n += 2) {
      uint32_t b[4];
      ldmatrix(b, other + (8 * n + lane / 16 * 8 + lane % 8) * Head::pitch +
                      (2 * k + lane / 8 % 2) * 16);
      mma_bf16(scores[n], a, {b[0], b[1]});
      mma_bf16(scores[n + 1], a, {b[2], b[3]});
    }
  }
}

// sums += scores, rounded, times the other rows.
template <int depth>
__device__ inline void add_rows(const float (&scores)[MmaHead<depth>::score_tiles][4],
                                const char* other,
                                float (&sums)[MmaHead<depth>::channel_tiles][4]) {
  using Head = MmaHead<depth>;
  const int lane = lane_of();
#pragma unroll
  for (int k = 0; k < Head::score_tiles / 2; ++k) {
    const float(&left)[4] = scores[2 * k], (&right)[4] = scores[2 * k + 1];
    const uint32_t a[4] = {rounded_pair(left[0], left[1]), rounded_pair(left[2], left[3]),
                           rounded_pair(right[0], right[1]), rounded_pair(right[2], right[3])};
#pragma unroll
    for (int n = 0; n < Head::channel_tiles; n += 2) {
      uint32_t b[4];
      ldmatrix_trans(b, other + (16 * k + lane % 16) * Head::pitch + (n + lane / 16) * 16);
      mma_bf16(sums[n], a, {b[0], b[1]});
      mma_bf16(sums[n + 1], a, {b[2], b[3]});
    }
  }
}

// Where a lane's numbers of 16 x 8 results are: element e is row quad_row(e), column 2 t + e % 2.
__device__ inline int quad_row(int e) { return warp_row() + lane_of() / 4 + e / 2 * 8; }
__device__ inline int quad_column(int n, int e) { return 8 * n + lane_of() % 4 * 2 + e % 2; }

// to[token of the row, channel] = sums * factor[which of the lane's two rows].
template <int depth>
__device__ inline void store_rows(const float (&sums)[MmaHead<depth>::channel_tiles][4],
                                  const float (&factor)[2], int64_t D, bf16* to, int64_t stride,
                                  const TokenWindow& w, int64_t first, int64_t count) {
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const int row = quad_row(2 * half);
    if (row >= count) continue;
    bf16* const out = to + w[first + row] * stride;
#pragma unroll
    for (int n = 0; n < MmaHead<depth>::channel_tiles; ++n)
      if (quad_column(n, 0) < D)
        *reinterpret_cast<uint32_t*>(out + quad_column(n, 0)) =
            rounded_pair(sums[n][2 * half] * factor[half], sums[n][2 * half + 1] * factor[half]);
  }
}

// Over the four lanes that share a row.
template <class Op>
__device__ inline float quad_reduce(float v, Op op) {
  v = op(v, __shfl_xor_sync(0xffffffffu, v, 1));
  return op(v, __shfl_xor_sync(0xffffffffu, v, 2));
}

// The larger, NaN if one of them is.
struct Larger {
  __device__ float operator()(float a, float b) const { return (b > a) | (b != b) ? b : a; }
};

// Scores become exp(score - largest so far), and sums and total what they are from there.
template <int depth>
__device__ inline void softmax_of_scores(float scale, int64_t width,
                                         float (&scores)[MmaHead<depth>::score_tiles][4],
                                         float (&top)[2], float (&total)[2],
                                         float (&sums)[MmaHead<depth>::channel_tiles][4]) {
  using Head = MmaHead<depth>;
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    float largest = top[half];
#pragma unroll
    for (int n = 0; n < Head::score_tiles; ++n)
#pragma unroll
      for (int e = 2 * half; e < 2 * half + 2; ++e) {
        float& s = scores[n][e];
        s = quad_column(n, e) < width ? s * scale : -INFINITY;
        largest = Larger()(largest, s);
      }
    largest = quad_reduce(largest, Larger());
    const float base = largest == -INFINITY ? 0.0f : largest;  // no key seen that counts
    const float shrink = exp(top[half] - base);
    top[half] = largest;
    total[half] *= shrink;
#pragma unroll
    for (int n = 0; n < Head::score_tiles; ++n)
#pragma unroll
      for (int e = 2 * half; e < 2 * half + 2; ++e) {
        scores[n][e] = exp(scores[n][e] - base);
        total[half] += scores[n][e];
      }
#pragma unroll
    for (int n = 0; n < Head::channel_tiles; ++n)
#pragma unroll
      for (int e = 2 * half; e < 2 * half + 2; ++e) sums[n][e] *= shrink;
  }
}

template <int depth>
__global__ void __launch_bounds__(attention_threads)
    attention_forward_mma_kernel(AttentionShape a, int64_t blocks, const bf16* __restrict__ q,
                                 const bf16* __restrict__ k, const bf16* __restrict__ v,
                                 bf16* __restrict__ y, float* __restrict__ log_sum) {
  using Head = MmaHead<depth>;
  char* const q_rows = dynamic_shared<char>();
  char* const k_rows = q_rows + Head::rows_bytes;
  char* const v_rows = k_rows + Head::tile_bytes;
  for (int64_t index : grid_blocks(a.N * a.queries.windows() * a.heads * blocks)) {
    const AttentionUnit u = unit_of(a, a.heads, blocks, attention_rows, index);
    const int64_t count = min(int64_t(attention_rows), u.queries.count - u.first);
    if (count <= 0) continue;
    load_rows<depth>(attention_rows, q + u.at(a.q), a.q.token, a.D, u.queries, u.first, count,
                     q_rows);
    float sums[Head::channel_tiles][4] = {};
    float top[2] = {-INFINITY, -INFINITY}, total[2] = {0, 0};
    for (int64_t j0 = 0; j0 < u.keys.count; j0 += Head::tile) {
      const int64_t width = min(int64_t(Head::tile), u.keys.count - j0);
      load_rows<depth>(Head::tile, k + u.at(a.k), a.k.token, a.D, u.keys, j0, width, k_rows);
      load_rows<depth>(Head::tile, v + u.at(a.v), a.v.token, a.D, u.keys, j0, width, v_rows);
      cp_async_commit();
      cp_async_wait<0>();
      __syncthreads();
      float scores[Head::score_tiles][4];
      score_products<depth>(q_rows, k_rows, scores);
      softmax_of_scores<depth>(float(a.scale), width, scores, top, total, sums);
      add_rows<depth>(scores, v_rows, sums);
      __syncthreads();
    }
    float factor[2];
    float* const out = log_sum + (u.n * a.heads + u.head) * a.queries.tokens();
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const float sum = quad_reduce(total[half], [](float a, float b) { return a + b; });
      factor[half] = 1 / sum;
      const int row = quad_row(2 * half);
      if (row < count && lane_of() % 4 == 0) out[u.queries[u.first + row]] = top[half] + log(sum);
    }
    store_rows<depth>(sums, factor, a.D, y + u.at(a.y), a.y.token, u.queries, u.first, count);
    cp_async_wait<0>();  // of the queries, where there was no key
    __syncthreads();
  }
}

// The numbers of queries first to first + count, zeros beyond.
__device__ inline void load_of_queries(const float* __restrict__ from, const TokenWindow& w,
                                       int64_t first, int64_t count, int padded, float* to) {
  for (int i = threadIdx.x; i < padded; i += attention_threads)
    to[i] = i < count ? from[w[first + i]] : 0.0f;
}

// As attention_backward_kernel: rows are queries, the other side keys, and out is dq; or, if
// `by_keys`, rows are keys, the other side queries, and out and out_v are dk and dv.
template <bool by_keys, int depth>
__global__ void __launch_bounds__(attention_threads)
    attention_backward_mma_kernel(AttentionShape a, int64_t blocks, const bf16* __restrict__ q,
                                  const bf16* __restrict__ k, const bf16* __restrict__ v,
                                  const bf16* __restrict__ dy, const float* __restrict__ log_sum,
                                  const float* __restrict__ dot, bf16* __restrict__ out,
                                  bf16* __restrict__ out_v) {
  using Head = MmaHead<depth>;
  char* const own = dynamic_shared<char>();          // q or k
  char* const own_too = own + Head::rows_bytes;      // dy or v
  char* const other = own_too + Head::rows_bytes;    // k or q
  char* const other_too = other + Head::tile_bytes;  // v or dy
  float* const of_other = reinterpret_cast<float*>(other_too + Head::tile_bytes);
  const float scale = float(a.scale);
  for (int64_t index : grid_blocks(a.N * a.queries.windows() * a.heads * blocks)) {
    const AttentionUnit u = unit_of(a, a.heads, blocks, attention_rows, index);
    const TokenWindow &mine = by_keys ? u.keys : u.queries, &theirs = by_keys ? u.queries : u.keys;
    const int64_t count = min(int64_t(attention_rows), mine.count - u.first);
    if (count <= 0) continue;
    const bf16 *const q_head = q + u.at(a.q), *const k_head = k + u.at(a.k);
    const bf16 *const v_head = v + u.at(a.v), *const dy_head = dy + u.at(a.y);
    const int64_t numbers = (u.n * a.heads + u.head) * a.queries.tokens();
    load_rows<depth>(attention_rows, by_keys ? k_head : q_head, by_keys ? a.k.token : a.q.token,
                     a.D, mine, u.first, count, own);
    load_rows<depth>(attention_rows, by_keys ? v_head : dy_head, by_keys ? a.v.token : a.y.token,
                     a.D, mine, u.first, count, own_too);
    float log_sums[2] = {}, dots[2] = {};
    for (int half = 0; half < 2; ++half) {
      const int row = quad_row(2 * half);
      if (by_keys || row >= count) continue;
      log_sums[half] = log_sum[numbers + mine[u.first + row]];
      dots[half] = dot[numbers + mine[u.first + row]];
    }
    float sums[Head::channel_tiles][4] = {}, sums_v[by_keys ? Head::channel_tiles : 1][4] = {};
    for (int64_t j0 = 0; j0 < theirs.count; j0 += Head::tile) {
      const int64_t width = min(int64_t(Head::tile), theirs.count - j0);
      load_rows<depth>(Head::tile, by_keys ? q_head : k_head, by_keys ? a.q.token : a.k.token, a.D,
                       theirs, j0, width, other);
      load_rows<depth>(Head::tile, by_keys ? dy_head : v_head, by_keys ? a.y.token : a.v.token, a.D,
                       theirs, j0, width, other_too);
      if (by_keys) {
        load_of_queries(log_sum + numbers, theirs, j0, width, Head::tile, of_other);
        load_of_queries(dot + numbers, theirs, j0, width, Head::tile, of_other + Head::tile);
      }
      cp_async_commit();
      cp_async_wait<0>();
      __syncthreads();
      float p[Head::score_tiles][4], ds[Head::score_tiles][4];
      score_products<depth>(own, other, p);
      score_products<depth>(own_too, other_too, ds);
#pragma unroll
      for (int n = 0; n < Head::score_tiles; ++n)
#pragma unroll
        for (int e = 0; e < 4; ++e) {
          const int j = quad_column(n, e);
          const float sum = by_keys ? of_other[j] : log_sums[e / 2];
          const float d = by_keys ? of_other[Head::tile + j] : dots[e / 2];
          // What is beyond the other side is 0, but 0 times infinity would be NaN.
          p[n][e] = j < width ? exp(p[n][e] * scale - sum) : 0.0f;
          ds[n][e] = j < width ? p[n][e] * (ds[n][e] - d) : 0.0f;
        }
      add_rows<depth>(ds, other, sums);
      if constexpr (by_keys) add_rows<depth>(p, other_too, sums_v);
      __syncthreads();
    }
    const HeadStrides& layout = by_keys ? a.k : a.q;
    store_rows<depth>(sums, {scale, scale}, a.D, out + u.at(layout), layout.token, mine, u.first,
                      count);
    if constexpr (by_keys)
      store_rows<depth>(sums_v, {1, 1}, a.D, out_v + u.at(a.v), a.v.token, mine, u.first, count);
    cp_async_wait<0>();  // of the own rows, where the other side has none
    __syncthreads();
  }
}

}  // namespace MACHINE
using namespace MACHINE;

static bool in_chunks(const HeadStrides& s) {
  return s.sample % 8 == 0 && s.token % 8 == 0 && s.head % 8 == 0;
}

template <class M>
bool attention_mma_can(const M& here, const AttentionShape& a,
                       std::initializer_list<Span<const bf16>> tensors) {
  for (auto& t : tensors)
    if (reinterpret_cast<uintptr_t>(t.data()) % 16 != 0) return false;
  return here.has_tensor_cores() && !a.causal && !a.masked && a.group == 1 && a.D % 8 == 0 &&
         a.D <= attention_most_channels && in_chunks(a.q) && in_chunks(a.k) && in_chunks(a.v) &&
         in_chunks(a.y);
}

// Calls f with the least depth that holds D channels.
template <class F>
static void with_depth(int64_t D, F f) {
  if (D <= 32) return f.template operator()<2>();
  if (D <= 48) return f.template operator()<3>();
  if (D <= 64) return f.template operator()<4>();
  f.template operator()<8>();
}
static Config mma_config(const AttentionShape& a, int64_t blocks, std::size_t shared) {
  return {.grid = a.N * a.queries.windows() * a.heads * blocks,
          .block = {attention_threads},
          .shared = shared};
}

template <class M>
void attention_mma_forward(M& here, const AttentionShape& a, Span<const bf16> q, Span<const bf16> k,
                           Span<const bf16> v, Span<bf16> y, Span<float> log_sum) {
  const int64_t blocks = ceil_div(a.queries.longest(), attention_rows);
  with_depth(a.D, [&]<int depth>() {
    launch(attention_forward_mma_kernel<depth>,
           mma_config(a, blocks, MmaHead<depth>::forward_bytes), here, a, blocks, q, k, v, y,
           log_sum);
  });
}

template <class M>
void attention_mma_backward(M& here, const AttentionShape& a, Span<const bf16> q,
                            Span<const bf16> k, Span<const bf16> v, Span<const float> log_sum,
                            Span<const bf16> dy, Span<bf16> dq, Span<bf16> dk, Span<bf16> dv,
                            Span<const float> dot) {
  const int64_t of_queries = ceil_div(a.queries.longest(), attention_rows);
  const int64_t of_keys = ceil_div(a.keys.longest(), attention_rows);
  with_depth(a.D, [&]<int depth>() {
    constexpr std::size_t bytes = MmaHead<depth>::backward_bytes;
    launch(attention_backward_mma_kernel<false, depth>, mma_config(a, of_queries, bytes), here, a,
           of_queries, q, k, v, dy, log_sum, dot, dq, Span<bf16>());
    launch(attention_backward_mma_kernel<true, depth>, mma_config(a, of_keys, bytes), here, a,
           of_keys, q, k, v, dy, log_sum, dot, dk, dv);
  });
}

template bool attention_mma_can(const Here&, const AttentionShape&,
                                std::initializer_list<Span<const bf16>>);
template void attention_mma_forward(Here&, const AttentionShape&, Span<const bf16>,
                                    Span<const bf16>, Span<const bf16>, Span<bf16>, Span<float>);
template void attention_mma_backward(Here&, const AttentionShape&, Span<const bf16>,
                                     Span<const bf16>, Span<const bf16>, Span<const float>,
                                     Span<const bf16>, Span<bf16>, Span<bf16>, Span<bf16>,
                                     Span<const float>);

}  // namespace tweed
