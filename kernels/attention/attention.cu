#include "kernels/attention/attention.h"
#include "kernels/attention/attention_mma.h"
#include "kernels/conv/register_tile.h"
#include "kernels/machine/kernel.h"
#include "kernels/math.h"
#include "kernels/packs/packs.h"
#include "kernels/quotient.h"

// A block takes a few rows (queries; in the backward pass also keys) of one head of one window,
// transposed in shared memory so that threadIdx.x walks rows; tiles of the other side pass by. So
// all products are of the form
//
//   out[r, row] += sum over y of a[r, y] b[y, row]
//
// which products.h does. Softmax, too, goes over rows without any shuffle. Source: Dao, Fu,
// Ermon, Rudra, Re 2022, arXiv:2205.14135; Milakov, Gimelshein 2018, arXiv:1805.02867 for the
// running maximum.

namespace tweed {
namespace MACHINE {

#include "kernels/attention/attention_mask.h"
#include "kernels/attention/attention_unit.h"
#include "kernels/attention/tiles.h"
// behind tiles.h
#include "kernels/attention/products.h"

// Where the arrays of a block begin in its shared memory, in elements, and where the last one ends:
// what the host asks for is what the kernel carves.
struct ForwardArrays {
  int64_t q_rows, sums;              // (D4, rows)
  int64_t k_tile, v_tile;            // (tile, D4)
  int64_t scores;                    // (tile, rows)
  int64_t total, top, base, shrink;  // (rows)
  int64_t end;
  TWEED_INLINE explicit ForwardArrays(const AttentionTiles& t)
      : q_rows(0),
        sums(q_rows + t.of_rows()),
        k_tile(sums + t.of_rows()),
        v_tile(k_tile + t.of_tile()),
        scores(v_tile + t.of_tile()),
        total(scores + t.of_pairs()),
        top(total + t.rows),
        base(top + t.rows),
        shrink(base + t.rows),
        end(shrink + t.rows) {}
};
template <bool by_keys>
struct BackwardArrays {
  int64_t own, own_too, sums, sums_v;  // (D4, rows); sums_v is sums unless by_keys
  int64_t other, other_too;            // (tile, D4)
  int64_t scores, gradients;           // (tile, rows)
  int64_t log_sums, dots;              // (rows), which are no fewer than tile
  int64_t end;
  TWEED_INLINE explicit BackwardArrays(const AttentionTiles& t)
      : own(0),
        own_too(own + t.of_rows()),
        sums(own_too + t.of_rows()),
        sums_v(by_keys ? sums + t.of_rows() : sums),
        other(sums_v + t.of_rows()),
        other_too(other + t.of_tile()),
        scores(other_too + t.of_tile()),
        gradients(scores + t.of_pairs()),
        log_sums(gradients + t.of_pairs()),
        dots(log_sums + t.rows),
        end(dots + t.rows) {}
};

// Scores to exp(score - largest so far) in place, and what the sums so far shrink by. Keys later
// than their query are hidden, and what a mask made minus infinity. `ahead` is the first query's
// number less the first key's.
template <class A>
__device__ inline void softmax_of_tile(bool some_later, bool masked, int64_t ahead, int64_t width,
                                       int64_t lanes, int64_t ld, A* __restrict__ scores,
                                       A* __restrict__ top, A* __restrict__ base,
                                       A* __restrict__ shrink) {
  __syncthreads();
  if (threadIdx.y == 0) {
    for (int64_t i : block_stride(lanes)) base[i] = top[i];
    for (int64_t j = 0; j < width; ++j) {
      A* __restrict__ s = scores + j * ld;
      if (some_later)
        for (int64_t i : block_stride(lanes)) s[i] = ahead + i < j ? -A(INFINITY) : s[i];
      for (int64_t i : block_stride(lanes))
        base[i] = (s[i] > base[i]) | (s[i] != s[i]) ? s[i] : base[i];
    }
    for (int64_t i : block_stride(lanes)) {
      const A before = top[i];
      top[i] = base[i];
      base[i] = base[i] == -A(INFINITY) ? A(0) : base[i];  // no key seen that counts
      shrink[i] = exp(before - base[i]);
    }
  }
  __syncthreads();
  for (int64_t j : block_rows(width)) {
    A* __restrict__ s = scores + j * ld;
    const A* __restrict__ from = base;
    if (masked)
      for (int64_t i : block_stride(lanes))
        s[i] = s[i] == -A(INFINITY) ? hidden<A> : exp(s[i] - from[i]);
    else
      for (int64_t i : block_stride(lanes)) s[i] = exp(s[i] - from[i]);
    if (some_later)
      for (int64_t i : block_stride(lanes)) s[i] = ahead + i < j ? hidden<A> : s[i];
  }
  __syncthreads();
}

template <class T>
__global__ void attention_forward_kernel(AttentionShape a, AttentionTiles t, int64_t blocks,
                                         const T* __restrict__ q, const T* __restrict__ k,
                                         const T* __restrict__ v,
                                         const uint8_t* __restrict__ allowed,
                                         const T* __restrict__ added, T* __restrict__ y,
                                         acc_t<T>* __restrict__ log_sum) {
  using A = acc_t<T>;
  const ForwardArrays at(t);
  A* const shared = dynamic_shared<A>();
  A* const q_rows = shared + at.q_rows;
  A* const sums = shared + at.sums;
  A* const k_tile = shared + at.k_tile;
  A* const v_tile = shared + at.v_tile;
  A* const scores = shared + at.scores;
  A* __restrict__ total = shared + at.total;
  A* __restrict__ top = shared + at.top;
  A* const base = shared + at.base;
  A* __restrict__ shrink = shared + at.shrink;
  for (int64_t index : grid_blocks(a.N * a.queries.windows() * a.heads * blocks)) {
    const AttentionUnit u = unit_of(a, a.heads, blocks, t.rows, index);
    const int64_t count = min(t.rows, u.queries.count - u.first), lanes = whole_lanes(count);
    if (count <= 0) continue;
    const T* const k_head = k + u.at(a.k, u.head / a.group);
    const T* const v_head = v + u.at(a.v, u.head / a.group);
    const HeadMask<T> mask(a.mask, allowed, added, u.n, u.head);
    load_transposed(t, a.D, q + u.at(a.q), a.q.token, u.queries, u.first, count, lanes, A(a.scale),
                    q_rows);
    for (int64_t d : block_rows(t.D4))
      for (int64_t i : block_stride(lanes)) sums[d * t.rows + i] = 0;
    if (threadIdx.y == 0)
      for (int64_t i : block_stride(lanes)) {
        total[i] = 0;
        top[i] = -A(INFINITY);
      }
    const int64_t seen = a.causal ? min(u.keys.count, u.first + count) : u.keys.count;
    for (int64_t j0 = 0; j0 < seen; j0 += t.tile) {
      const int64_t width = min(t.tile, seen - j0);
      load_tile(t, a.D, k_head, a.k.token, u.keys, j0, width, k_tile);
      load_tile(t, a.D, v_head, a.v.token, u.keys, j0, width, v_tile);
      __syncthreads();
      products_over_channels(t, width, lanes, k_tile, q_rows, scores);
      if (a.masked) {
        __syncthreads();
        mask_tile<false>(mask, u.first, count, j0, width, t.rows, scores);
      }
      const bool some_later = a.causal && u.first - j0 < width - 1;
      softmax_of_tile(some_later, a.masked, u.first - j0, width, lanes, t.rows, scores, top, base,
                      shrink);
      products_over_tile(t, some_later || a.masked, width, lanes, v_tile, scores, scores, sums,
                         [&](const A* sum, int64_t i) { return *sum * shrink[i]; });
      if (threadIdx.y == 0) {
        for (int64_t i : block_stride(lanes)) total[i] *= shrink[i];
        for (int64_t j = 0; j < width; ++j) {
          const A* __restrict__ p = scores + j * t.rows;
          for (int64_t i : block_stride(lanes)) total[i] += p[i] < 0 ? A(0) : p[i];
        }
      }
      __syncthreads();
    }
    const auto sees_nothing = [&](int64_t i) { return a.masked && total[i] == 0; };
    store_transposed(
        t, a.D, sums, [&](int64_t i) { return sees_nothing(i) ? A(0) : 1 / total[i]; },
        y + u.at(a.y), a.y.token, u.queries, u.first, count);
    A* __restrict__ out = log_sum + (u.n * a.heads + u.head) * a.queries.tokens();
    if (threadIdx.y == 0)
      for (int64_t i : block_stride(count))
        out[u.queries[u.first + i]] = sees_nothing(i) ? A(INFINITY) : top[i] + log(total[i]);
    __syncthreads();
  }
}

// dot[n, head, token] = dy . y, which every score's gradient contains.
template <class T>
__global__ void attention_dot_kernel(AttentionShape a, const T* __restrict__ y,
                                     const T* __restrict__ dy, acc_t<T>* __restrict__ dot) {
  const int64_t tokens = a.queries.tokens();
  for (int64_t row : grid_rows(a.rows())) {
    const int64_t of_head = row / tokens, n = of_head / a.heads;
    const int64_t at =
        n * a.y.sample + (of_head - n * a.heads) * a.y.head + (row - of_head * tokens) * a.y.token;
    const acc_t<T> sum =
        warp_sum(a.D, [&](int64_t d) { return load(y[at + d]) * load(dy[at + d]); });
    if (threadIdx.x == 0) dot[row] = sum;
  }
}

#ifndef TWEED_CPU
#include "kernels/packs/attention_dot_packs.h"
#endif

// In place of products: s = scale q . k becomes p, the probability or hidden, and dp = dy . v to
// the score's gradient p (dp - dot). log_sum and dot are those of row i, or of the tile's j if
// `by_keys`.
template <bool by_keys, class A>
__device__ inline void gradients_of_tile(bool causal, bool masked, int64_t ahead, int64_t width,
                                         int64_t lanes, int64_t ld, const A* __restrict__ log_sum,
                                         const A* __restrict__ dot, A* __restrict__ scores,
                                         A* __restrict__ gradients) {
  for (int64_t j : block_rows(width)) {
    A* __restrict__ s = scores + j * ld;
    A* __restrict__ g = gradients + j * ld;
    if (!causal && !masked) {  // a loop without a choice, which g++ vectorises
      for (int64_t i : block_stride(lanes)) {
        const int64_t query = by_keys ? j : i;
        s[i] = exp(s[i] - log_sum[query]);
        g[i] = s[i] * (g[i] - dot[query]);
      }
      continue;
    }
    for (int64_t i : block_stride(lanes)) {
      const int64_t query = by_keys ? j : i;
      const bool later = causal & (by_keys ? ahead + i > j : ahead + i < j);
      const bool unseen = later | (masked & (s[i] == -A(INFINITY)));
      const A p = unseen ? hidden<A> : exp(s[i] - log_sum[query]);
      s[i] = p;
      g[i] = p * (g[i] - dot[query]);
    }
  }
}

// Rows are queries, tiles keys, and out is dq; or, if `by_keys`, rows are keys, tiles queries, and
// out and out_v are dk and dv. With "own" rows and the tile's "other" side, for each pair
//
//   out += ds other,   out_v += p dy
template <bool by_keys, class T>
__global__ void attention_backward_kernel(AttentionShape a, AttentionTiles t, int64_t blocks,
                                          const T* __restrict__ q, const T* __restrict__ k,
                                          const T* __restrict__ v,
                                          const uint8_t* __restrict__ allowed,
                                          const T* __restrict__ added, const T* __restrict__ dy,
                                          const acc_t<T>* __restrict__ log_sum,
                                          const acc_t<T>* __restrict__ dot, T* __restrict__ out,
                                          T* __restrict__ out_v, T* __restrict__ dadded) {
  using A = acc_t<T>;
  const BackwardArrays<by_keys> at(t);
  A* const shared = dynamic_shared<A>();
  A* const own = shared + at.own;          // q or k
  A* const own_too = shared + at.own_too;  // dy or v
  A* const sums = shared + at.sums;
  A* const sums_v = shared + at.sums_v;
  A* const other = shared + at.other;          // k or q
  A* const other_too = shared + at.other_too;  // v or dy
  A* const scores = shared + at.scores;
  A* const gradients = shared + at.gradients;
  A* const log_sums = shared + at.log_sums;
  A* const dots = shared + at.dots;
  const auto add = [](const A* sum, int64_t) { return *sum; };

  const int64_t heads = by_keys ? a.key_heads() : a.heads;
  for (int64_t index : grid_blocks(a.N * a.queries.windows() * heads * blocks)) {
    const AttentionUnit u = unit_of(a, heads, blocks, t.rows, index);
    const TokenWindow &mine = by_keys ? u.keys : u.queries, &theirs = by_keys ? u.queries : u.keys;
    const int64_t count = min(t.rows, mine.count - u.first), lanes = whole_lanes(count);
    if (count <= 0) continue;
    // The heads of queries that these rows have to do with: those that share the keys, or one.
    const int64_t first_head = by_keys ? u.head * a.group : u.head;
    const int64_t key_head = by_keys ? u.head : u.head / a.group;
    const T* const k_head = k + u.at(a.k, key_head);
    const T* const v_head = v + u.at(a.v, key_head);
    const T* const own_head = by_keys ? k_head : q + u.at(a.q);
    const T* const own_head_too = by_keys ? v_head : dy + u.at(a.y);
    load_transposed(t, a.D, own_head, by_keys ? a.k.token : a.q.token, mine, u.first, count, lanes,
                    A(a.scale), own);
    load_transposed(t, a.D, own_head_too, by_keys ? a.v.token : a.y.token, mine, u.first, count,
                    lanes, A(1), own_too);
    for (int64_t d : block_rows(t.D4))
      for (int64_t i : block_stride(lanes)) sums[d * t.rows + i] = sums_v[d * t.rows + i] = 0;

    const int64_t from = a.causal && by_keys ? u.first / t.tile * t.tile : 0;
    const int64_t to = a.causal && !by_keys ? min(theirs.count, u.first + count) : theirs.count;
    for (int64_t head = first_head; head < first_head + (by_keys ? a.group : 1); ++head) {
      const int64_t numbers = (u.n * a.heads + head) * a.queries.tokens();
      const HeadMask<T> mask(a.mask, allowed, added, u.n, head);
      if (!by_keys) {
        load_numbers(log_sum + numbers, mine, u.first, count, lanes, log_sums);
        load_numbers(dot + numbers, mine, u.first, count, lanes, dots);
      }
      __syncthreads();  // no query may see these keys: then the zeros are the result
      for (int64_t j0 = from; j0 < to; j0 += t.tile) {
        const int64_t width = min(t.tile, to - j0), ahead = u.first - j0;
        load_tile(t, a.D, by_keys ? q + u.at(a.q, head) : k_head, by_keys ? a.q.token : a.k.token,
                  theirs, j0, width, other);
        load_tile(t, a.D, by_keys ? dy + u.at(a.y, head) : v_head, by_keys ? a.y.token : a.v.token,
                  theirs, j0, width, other_too);
        if (by_keys) {
          load_numbers(log_sum + numbers, theirs, j0, width, width, log_sums);
          load_numbers(dot + numbers, theirs, j0, width, width, dots);
        }
        __syncthreads();
        products_over_channels(t, width, lanes, other, own, scores);
        products_over_channels(t, width, lanes, other_too, own_too, gradients);
        __syncthreads();
        if (a.masked) {
          mask_tile<by_keys>(mask, u.first, count, j0, width, t.rows, scores);
          __syncthreads();
        }
        gradients_of_tile<by_keys>(a.causal, a.masked, ahead, width, lanes, t.rows, log_sums, dots,
                                   scores, gradients);
        __syncthreads();
        const bool some_later = a.causal && (by_keys ? ahead + lanes > 1 : ahead < width - 1);
        const bool some_hidden = some_later || a.masked;
        products_over_tile(t, some_hidden, width, lanes, other, gradients, scores, sums, add);
        if (by_keys)
          products_over_tile(t, some_hidden, width, lanes, other_too, scores, scores, sums_v, add);
        else if (dadded)
          store_mask_gradients(count, width, t.rows, scores, gradients,
                               dadded + (numbers + u.first) * theirs.count + j0, theirs.count);
        __syncthreads();
      }
      if (!by_keys && dadded)  // what is later than all of these queries
        for (int64_t i : block_rows(count))
          for (int64_t j : block_stride(theirs.count - to))
            dadded[(numbers + u.first + i) * theirs.count + to + j] = store<T>(A(0));
    }
    const HeadStrides& layout = by_keys ? a.k : a.q;
    store_transposed(
        t, a.D, sums, [&](int64_t) { return A(a.scale); }, out + u.at(layout), layout.token, mine,
        u.first, count);
    if (by_keys)
      store_transposed(
          t, a.D, sums_v, [](int64_t) { return A(1); }, out_v + u.at(a.v), a.v.token, mine, u.first,
          count);
    __syncthreads();
  }
}

}  // namespace MACHINE
using namespace MACHINE;

// The largest tiles whose arrays fit, and their bytes.
template <class Arrays>
static AttentionTiles choose_tiles(int64_t D, std::size_t element, std::size_t& bytes) {
  const int64_t D4 = ceil_div(D, 4) * 4;
  const Dim sizes[] = {
#ifdef TWEED_CPU
      {64, 64},  // longer sums in registers
#endif
      {64, 32}, {64, 16}, {32, 32}, {32, 16}, {16, 16}, {16, 8}, {8, 8}, {8, 4}};
  AttentionTiles tiles{};
  for (const Dim& size : sizes) {
    tiles = {size.x, size.y, D4};
    bytes = element * std::size_t(Arrays(tiles).end);
    if (bytes <= shared_bytes_limit) break;
  }
  return tiles;
}

static Config attention_config(const AttentionShape& a, int64_t heads, const TokenGrid& rows,
                               int64_t blocks, std::size_t shared) {
  return {.grid = a.N * rows.windows() * heads * blocks,
          .block = {32, 8},
          .shared = shared,
          .work = a.rows() * a.keys.longest()};
}

template <class M, class T>
void attention_forward(M& here, const AttentionShape& a, Span<const T> q, Span<const T> k,
                       Span<const T> v, const AttentionMask<T>& mask, Span<T> y,
                       Span<acc_t<T>> log_sum) {
#ifndef TWEED_CPU
  if constexpr (std::is_same_v<T, bf16>)
    if (attention_mma_can(here, a, {q, k, v, y}))
      return attention_mma_forward(here, a, q, k, v, y, log_sum);
#endif
  std::size_t shared;
  const AttentionTiles t = choose_tiles<ForwardArrays>(a.D, sizeof(acc_t<T>), shared);
  const int64_t blocks = ceil_div(a.queries.longest(), t.rows);
  launch(attention_forward_kernel<T>, attention_config(a, a.heads, a.queries, blocks, shared), here,
         a, t, blocks, q, k, v, mask.allowed, mask.added, y, log_sum);
}

template <class T>
static void attention_dot(Here& here, const AttentionShape& a, Span<const T> y, Span<const T> dy,
                          Span<acc_t<T>> dot) {
#ifndef TWEED_CPU
  if (attention_dot_packs(here, a, y, dy, dot)) return;
#endif
  launch(attention_dot_kernel<T>,
         {.grid = ceil_div(a.rows(), 8), .block = {32, 8}, .work = y.size()}, here, a, y, dy, dot);
}

template <class M, class T>
void attention_backward(M& here, const AttentionShape& a, Span<const T> q, Span<const T> k,
                        Span<const T> v, const AttentionMask<T>& mask, Span<const T> y,
                        Span<const acc_t<T>> log_sum, Span<const T> dy, Span<T> dq, Span<T> dk,
                        Span<T> dv, Span<T> dadded, Span<acc_t<T>> dot) {
  using A = acc_t<T>;
  attention_dot(here, a, y, dy, dot);
#ifndef TWEED_CPU
  if constexpr (std::is_same_v<T, bf16>)
    if (attention_mma_can(here, a, {q, k, v, dy, dq, dk, dv}))
      return attention_mma_backward(here, a, q, k, v, log_sum, dy, dq, dk, dv, Span<const A>(dot));
#endif
  std::size_t shared;
  AttentionTiles t = choose_tiles<BackwardArrays<false>>(a.D, sizeof(A), shared);
  int64_t blocks = ceil_div(a.queries.longest(), t.rows);
  launch(attention_backward_kernel<false, T>,
         attention_config(a, a.heads, a.queries, blocks, shared), here, a, t, blocks, q, k, v,
         mask.allowed, mask.added, dy, log_sum, Span<const A>(dot), dq, Span<T>(), dadded);
  t = choose_tiles<BackwardArrays<true>>(a.D, sizeof(A), shared);
  blocks = ceil_div(a.keys.longest(), t.rows);
  launch(attention_backward_kernel<true, T>,
         attention_config(a, a.key_heads(), a.keys, blocks, shared), here, a, t, blocks, q, k, v,
         mask.allowed, mask.added, dy, log_sum, Span<const A>(dot), dk, dv, Span<T>());
}

#define INSTANTIATE(T)                                                                             \
  template void attention_forward(Here&, const AttentionShape&, Span<const T>, Span<const T>,      \
                                  Span<const T>, const AttentionMask<T>&, Span<T>,                 \
                                  Span<acc_t<T>>);                                                 \
  template void attention_backward(Here&, const AttentionShape&, Span<const T>, Span<const T>,     \
                                   Span<const T>, const AttentionMask<T>&, Span<const T>,          \
                                   Span<const acc_t<T>>, Span<const T>, Span<T>, Span<T>, Span<T>, \
                                   Span<T>, Span<acc_t<T>>);
FOR_FLOATING_TYPES(INSTANTIATE)

}  // namespace tweed
