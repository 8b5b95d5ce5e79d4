// Products of tiles in shared memory, by all threads of a block: sixteen numbers of one factor stay
// in registers while they pass over four rows of the other. On `cpu` the register tile does them
// where no pair is hidden. For attention.cu, which includes it inside namespace tweed::MACHINE.

#ifdef TWEED_CPU
#include "kernels/attention/attention_by_tile.h"
#endif

// A probability for a pair of which the query does not see the key. A product with 0 would let NaN
// and infinity of the other side through, so such pairs are left out of every sum.
template <class A>
constexpr A hidden = A(-1);

// N numbers of each of four rows of a, held in registers, pass over N rows of b: out[r, x] += ...,
// but for hidden pairs if `some_hidden`; p are the probabilities of b's cells.
template <int N, bool some_hidden, class A>
__device__ inline void add_few(int64_t width, int64_t ld, const A* a, int64_t a_row, int64_t a_step,
                               const A* __restrict__ b, const A* __restrict__ p,
                               A* __restrict__ out) {
  A w[4][N];
  for (int r = 0; r < 4; ++r)
    for (int s = 0; s < N; ++s) w[r][s] = a[r * a_row + s * a_step];
  for (int64_t x : block_stride(width))
    for (int r = 0; r < 4; ++r) {
      A sum = out[r * ld + x];
      for (int s = 0; s < N; ++s) {
        const A more = sum + w[r][s] * b[s * ld + x];
        if constexpr (some_hidden)
          sum = p[s * ld + x] < 0 ? sum : more;
        else
          sum = more;
      }
      out[r * ld + x] = sum;
    }
}

// Four rows of out[r, x] = start(cell of out, x) + sum over y < n of a[r * a_row + y * a_step] b[y,
// x]. Every thread has its own x.
template <bool some_hidden, class A, class Start>
__device__ inline void add_products(int64_t n, int64_t width, int64_t ld, const A* a, int64_t a_row,
                                    int64_t a_step, const A* b, const A* p, A* __restrict__ out,
                                    Start start) {
  for (int r = 0; r < 4; ++r)
    for (int64_t x : block_stride(width)) out[r * ld + x] = start(out + r * ld + x, x);
  auto add = [&]<int N>(int64_t y) {
    add_few<N, some_hidden>(width, ld, a + y * a_step, a_row, a_step, b + y * ld, p + y * ld, out);
  };
  int64_t y = 0;
  for (; y + 4 <= n; y += 4) add.template operator()<4>(y);
  for (; y < n; ++y) add.template operator()<1>(y);
}

// scores[j, row] = sum over d of tile[j, d] rows[d, row], for whole fours of j.
template <class A>
__device__ inline void products_over_channels(const AttentionTiles& t, int64_t width, int64_t lanes,
                                              const A* tile, const A* rows, A* scores) {
#ifdef TWEED_CPU
  if (products_by_tile(width, t.D4, lanes, t.rows, tile, t.D4, int64_t(1), rows, scores, false))
    return;
#endif
  for (int64_t four : block_rows((width + 3) / 4))
    add_products<false>(t.D4, lanes, t.rows, tile + four * 4 * t.D4, t.D4, int64_t(1), rows, rows,
                        scores + four * 4 * t.rows, [](const A*, int64_t) { return A(0); });
}
// out[d, row] = start(cell of out, row) + sum over j of tile[j, d] scores[j, row], but for pairs
// whose probability p[j, row] is hidden, of which there may be some.
template <class A, class Start>
__device__ inline void products_over_tile(const AttentionTiles& t, bool some_hidden, int64_t width,
                                          int64_t lanes, const A* tile, const A* scores, const A* p,
                                          A* out, Start start) {
#ifdef TWEED_CPU
  if (!some_hidden && t.rows % tile_kernel<A>().lanes == 0) {
    for (int64_t d = 0; d < t.D4; ++d)
      for (int64_t i = 0; i < lanes; ++i) out[d * t.rows + i] = start(out + d * t.rows + i, i);
    products_by_tile(t.D4, width, lanes, t.rows, tile, int64_t(1), t.D4, scores, out, true);
    return;
  }
#endif
  auto add = [&]<bool some>(int64_t four) {
    add_products<some>(width, lanes, t.rows, tile + four * 4, int64_t(1), t.D4, scores, p,
                       out + four * 4 * t.rows, start);
  };
  for (int64_t four : block_rows(t.D4 / 4)) {
    if (some_hidden)
      add.template operator()<true>(four);
    else
      add.template operator()<false>(four);
  }
}
