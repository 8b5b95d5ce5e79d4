// Which tokens a block of an attention kernel works on. For kernel files, which include it inside
// namespace tweed::MACHINE.

/// One window's tokens, in order.
struct TokenWindow {
  int64_t first, width, line, count;
  __device__ int64_t operator[](int64_t i) const {
    const int64_t y = uint32_t(i) / uint32_t(width);  // 64 bits would take a GPU five times as long
    return first + y * line + (i - y * width);
  }
};
__device__ inline TokenWindow window_of(const TokenGrid& g, int64_t index) {
  const int64_t across = (g.W + g.window_w - 1) / g.window_w;
  const int64_t top = index / across * g.window_h, left = index % across * g.window_w;
  const int64_t height = min(g.window_h, g.H - top), width = min(g.window_w, g.W - left);
  return {top * g.W + left, width, g.W, height * width};
}

/// What a block works on: `rows` rows from `first` of one head of one window.
struct AttentionUnit {
  int64_t n, head, first;
  TokenWindow queries, keys;

  __device__ int64_t at(const HeadStrides& s) const { return at(s, head); }
  /// Of another head.
  __device__ int64_t at(const HeadStrides& s, int64_t of) const {
    return n * s.sample + of * s.head;
  }
};
/// @param heads  those of what the blocks' rows are
__device__ inline AttentionUnit unit_of(const AttentionShape& a, int64_t heads, int64_t blocks,
                                        int64_t rows, int64_t index) {
  const int64_t of_head = index / blocks, of_window = of_head / heads;
  const int64_t windows = a.queries.windows(), window = of_window % windows;
  return {of_window / windows, of_head % heads, (index - of_head * blocks) * rows,
          window_of(a.queries, window), window_of(a.keys, window)};
}
