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

/// y[i] = f(x[i], ...) for i < n. The threads of the whole grid share it out, 16 bytes each where
/// all arrays are aligned to that.
template <class F, class Out, class... In>
__device__ inline void map(int64_t n, F f, Out* y, const In*... x) {
  int64_t first = 0;
#ifndef TWEED_CPU
  constexpr int share = map_share<Out, In...>;
  if (((uintptr_t(y) | ... | uintptr_t(x)) % 16) == 0) {
    const int64_t whole = n / share;
    // Unrolled, the loop would first divide 64-bit numbers, which costs more than it saves.
#pragma unroll 1
    for (int64_t i : grid_stride(whole)) {
      Few<Out, share> out;
      auto all = [&](const auto&... in) {
#pragma unroll
        for (int k = 0; k < share; ++k) out.v[k] = f(in.v[k]...);
      };
      all(few_at<share>(x, i)...);
      few_at<share>(y, i) = out;
    }
    first = whole * share;
  }
#pragma unroll 1
#endif
  for (int64_t i : grid_stride(n - first)) y[first + i] = f(x[first + i]...);
}

/// A launch of map() with arrays of these types.
template <class... T>
static constexpr Config map_config(int64_t n) {
  return {.grid = ceil_div(n, 256 * map_share<T...>), .work = n};
}
