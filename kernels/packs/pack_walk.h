// Walks over rows of channels in packs, see packs.h. For kernel files of `cuda` and `sim`, which
// include it inside namespace tweed::MACHINE. Blocks are flat, of pack_threads threads; all of a
// block call these together.

/// Calls own(c, walk) for each pack of channels c, c + 1, ... of the thread; walk(fetch, use) then
/// calls use(fetch(at), at) for the elements `at` of its rows among [first, last), four fetches
/// ahead of their uses.
template <class T, class Own>
__device__ inline void walk_packs(int64_t first, int64_t last, int64_t C, Own own) {
  for (int64_t begin = 0; begin < PackTile<T>::packs(C); begin += pack_threads) {
    const PackTile<T> tile(C, begin);
    const int row = tile.row_of(int(threadIdx.x));
    const int64_t c = (tile.first + int(threadIdx.x) - row * tile.wide) * Pack<T>::size;
    const int64_t step = tile.at_once * C, end = row < tile.at_once ? last * C + c : 0;
    own(tile, c, [&](auto fetch, auto use) {
      int64_t at = (first + row) * C + c;
      for (; at + 3 * step < end; at += 4 * step) {
        const auto a = fetch(at), b = fetch(at + step), d = fetch(at + 2 * step),
                   e = fetch(at + 3 * step);
        use(a, at);
        use(b, at + step);
        use(d, at + 2 * step);
        use(e, at + 3 * step);
      }
#pragma unroll 1
      for (; at < end; at += step) use(fetch(at), at);
    });
  }
}

/// What belongs to the channels of a pack of T, read from p on: `size` numbers.
template <int size, class A>
struct OwnNumbers {
  A v[size];
  __device__ explicit OwnNumbers(const A* p) {
#pragma unroll
    for (int i = 0; i < size; i += Pack<A>::size) {
      const Pack<A> some = pack_at(p + i);
#pragma unroll
      for (int k = 0; k < Pack<A>::size; ++k) v[i + k] = some.v[k];
    }
  }
  __device__ A operator[](int i) const { return v[i]; }
};

/// `count` sums for each channel over the rows [first, last): add(what, at, c, sums) adds to
/// sums[i][k] of channel c + k; put(channel, sums) gets each channel once. begin(c) makes what
/// belongs to a thread's channels and is given to add first.
template <int count, class T, class Begin, class Fetch, class Add, class Put>
__device__ inline void sum_packs(int64_t first, int64_t last, int64_t C, Begin begin, Fetch fetch,
                                 Add add, Put put) {
  using A = acc_t<T>;
  constexpr int size = Pack<T>::size, numbers = count * size;
  __shared__ A cells[numbers * pack_threads];
  walk_packs<T>(first, last, C, [&](const PackTile<T>& tile, int64_t c, auto walk) {
    A sums[count][size] = {};
    const auto own = begin(c);
    walk(fetch, [&](const auto& in, int64_t at) { add(own, in, at, sums); });
#pragma unroll
    for (int i = 0; i < numbers; ++i)
      cells[i * pack_threads + int(threadIdx.x)] = sums[i / size][i % size];
    __syncthreads();
    for (int j = threadIdx.x; j < size * tile.wide; j += pack_threads) {
      const int k = tile.row_of(j), pack = j - k * tile.wide;
      A totals[count] = {};
      for (int row = 0; row < tile.at_once; ++row)
#pragma unroll
        for (int i = 0; i < count; ++i)
          totals[i] += cells[(i * size + k) * pack_threads + row * tile.wide + pack];
      put((tile.first + pack) * size + k, totals);
    }
    __syncthreads();
  });
}
