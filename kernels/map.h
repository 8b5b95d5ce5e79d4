// Functions of whole arrays, element by element. For kernel files, which include it inside
// namespace tweed::MACHINE.

#ifndef TWEED_CPU
// `count` elements that one instruction loads or stores.
template <class T, int count>
struct alignas(sizeof(T) * count) Few {
  T v[count];
};
template <int count, class T>
__device__ inline Few<T, count>& few_at(T* p, int64_t i) {
  return reinterpret_cast<Few<T, count>*>(p)[i];
}
template <int count, class T>
__device__ inline Few<T, count> few_at(const T* p, int64_t i) {
  return reinterpret_cast<const Few<T, count>*>(p)[i];
}
#endif

/// Elements that a thread of map() takes: as many as the largest type has in 16 bytes.
template <class... T>
constexpr int map_share = [] {
  int largest = 1;
  ((largest = int(sizeof(T)) > largest ? int(sizeof(T)) : largest), ...);
  return 16 / largest;
}();

#ifndef TWEED_CPU
// get(0), get(1), ... rounded to T, pairs of bf16 by one instruction.
template <class T, int count, class Get>
__device__ inline Few<T, count> rounded_few(Get get) {
  Few<T, count> few;
  if constexpr (std::is_same_v<T, bf16>) {
    uint32_t pairs[count / 2];
#pragma unroll
    for (int k = 0; k < count / 2; ++k) pairs[k] = rounded_pair(get(2 * k), get(2 * k + 1));
    memcpy(few.v, pairs, sizeof pairs);
  } else {
#pragma unroll
    for (int k = 0; k < count; ++k) few.v[k] = store<T>(get(k));
  }
  return few;
}
#endif

constexpr int map_threads = 256;

/// y[i] = f(x[i], ...) for i < n, rounded from acc_t<Out>. The threads of the whole grid share it
/// out, where all arrays are aligned to 16 bytes twice as much each: the second is on its way while
/// f computes with the first.
template <class F, class Out, class... In>
__device__ inline void map(int64_t n, F f, Out* y, const In*... x) {
  int64_t first = 0;
#ifndef TWEED_CPU
  constexpr int share = map_share<Out, In...>;
  if (((uintptr_t(y) | ... | uintptr_t(x)) % 16) == 0) {
    const int64_t whole = int64_t(uint64_t(n) / share);
    auto put = [&](int64_t i, const auto&... in) {
      few_at<share>(y, i) =
          rounded_few<Out, share>([&]([[maybe_unused]] int k) { return f(in.v[k]...); });
    };
#pragma unroll 1
    for (int64_t tile : grid_blocks(ceil_div(whole, 2 * map_threads))) {
      const int64_t i = tile * (2 * map_threads) + threadIdx.x, next = i + map_threads;
      auto both = [&](const auto&... in) {
        auto with = [&](const auto&... next_in) {
          put(i, in...);
          put(next, next_in...);
        };
        with(few_at<share>(x, next)...);
      };
      if (next < whole)
        both(few_at<share>(x, i)...);
      else if (i < whole)
        put(i, few_at<share>(x, i)...);
    }
    first = whole * share;
  }
#pragma unroll 1
#endif
  for (int64_t i : grid_stride(n - first)) y[first + i] = store<Out>(f(x[first + i]...));
}

/// A launch of map() with arrays of these types.
template <class... T>
static constexpr Config map_config(int64_t n) {
  return {
      .grid = ceil_div(n, 2 * map_threads * map_share<T...>), .block = {map_threads}, .work = n};
}
