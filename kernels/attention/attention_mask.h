// What a mask does to a tile of scores. For kernel files, which include it inside namespace
// tweed::MACHINE.

/// A mask where the pairs of one head of one sample begin; both null if there is none.
template <class T>
struct HeadMask {
  const uint8_t* allowed;
  const T* added;
  int64_t query, key;  // strides

  __device__ HeadMask(const MaskStrides& m, const uint8_t* allowed, const T* added, int64_t n,
                      int64_t head)
      : allowed(allowed ? allowed + n * m.sample + head * m.head : nullptr),
        added(added ? added + n * m.sample + head * m.head : nullptr),
        query(m.query),
        key(m.key) {}
  __device__ bool any() const { return allowed || added; }
};

// What a mask of numbers makes of a score: minus infinity hides NaN, too.
template <class A>
__device__ inline A with_added(A score, A added) {
  return added == -A(INFINITY) ? added : score + added;
}

// Scores (tile, rows) of `count` rows from `first` on with `width` of the other side from `j0` on:
// the mask's numbers are added, and what is not allowed becomes minus infinity. Threads lie side by
// side along the keys, as the mask does.
template <bool by_keys, class T, class A>
__device__ inline void mask_tile(const HeadMask<T>& mask, int64_t first, int64_t count, int64_t j0,
                                 int64_t width, int64_t ld, A* scores) {
  const int64_t queries = by_keys ? width : count, keys = by_keys ? count : width;
  const int64_t first_query = by_keys ? j0 : first, first_key = by_keys ? first : j0;
  for (int64_t query : block_rows(queries)) {
    const int64_t at = (first_query + query) * mask.query + first_key * mask.key;
    for (int64_t key : block_stride(keys)) {
      A& score = scores[by_keys ? query * ld + key : key * ld + query];
      if (mask.added) score = with_added(score, load(mask.added[at + key * mask.key]));
      if (mask.allowed && !mask.allowed[at + key * mask.key]) score = -A(INFINITY);
    }
  }
}

// The gradients of the scores of `count` queries and `width` keys, which are those of what was
// added to them: to[i, j] = gradients[j, i], 0 where p says that the pair is hidden.
template <class T, class A>
__device__ inline void store_mask_gradients(int64_t count, int64_t width, int64_t ld, const A* p,
                                            const A* gradients, T* to, int64_t row) {
  for (int64_t i : block_rows(count))
    for (int64_t j : block_stride(width))
      to[i * row + j] = store<T>(p[j * ld + i] < 0 ? A(0) : gradients[j * ld + i]);
}
