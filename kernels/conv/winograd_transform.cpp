// Compiled once for each SimdLevel, as register_tile.cpp is, and like it with no inline function of
// another header.
#include "kernels/conv/winograd_transform.h"

namespace tweed::tiles::TWEED_SIMD_LEVEL {
namespace {

#if defined(__AVX512F__)
constexpr int vector_bytes = 64;
#elif defined(__AVX2__)
constexpr int vector_bytes = 32;
#else
constexpr int vector_bytes = 16;
#endif

// What a step computes with, and how that lies in memory: a vector of channels, which may begin
// anywhere, or a single one.
template <class T>
struct Whole;
template <>
struct Whole<float> {
  typedef float Loaded __attribute__((vector_size(vector_bytes), aligned(4), may_alias));
  typedef float Value __attribute__((vector_size(vector_bytes)));
};
template <>
struct Whole<double> {
  typedef double Loaded __attribute__((vector_size(vector_bytes), aligned(8), may_alias));
  typedef double Value __attribute__((vector_size(vector_bytes)));
};
template <class T>
struct Single {
  using Loaded = T;
  using Value = T;
};
#define INLINE __attribute__((always_inline))
template <class S, class T>
INLINE inline typename S::Value load(const T* p) {
  return *reinterpret_cast<const typename S::Loaded*>(p);
}
template <class S, class T>
INLINE inline void store(T* p, typename S::Value v) {
  *reinterpret_cast<typename S::Loaded*>(p) = v;
}

// F(4, 3): points 0, a, -a, b, -b and infinity. Of each point p, B^T has the product of all others'
// (x - q), A^T its powers, and G its powers divided by that product at p. Any points will do; with
// 1 and 2, as in Lavin and Gray's paper, results round two to four times as much.
template <class T>
struct Four {
  static constexpr int m = 4, n = 6;
  static constexpr T a = T(0.625), b = T(1.5);
  static constexpr T aa = a * a, bb = b * b, sum = aa + bb, product = aa * bb;
  static constexpr T at_0 = 1 / product, at_a = 1 / (2 * aa * (aa - bb)),
                     at_b = 1 / (2 * bb * (bb - aa));

  template <class V>
  INLINE static void input(const V* d, V* v) {
    v[0] = product * d[0] - sum * d[2] + d[4];
    const V even_a = d[4] - bb * d[2], odd_a = a * (d[3] - bb * d[1]);
    v[1] = even_a + odd_a;
    v[2] = even_a - odd_a;
    const V even_b = d[4] - aa * d[2], odd_b = b * (d[3] - aa * d[1]);
    v[3] = even_b + odd_b;
    v[4] = even_b - odd_b;
    v[5] = product * d[1] - sum * d[3] + d[5];
  }
  template <class V>
  INLINE static void filter(const V* g, V* u) {
    u[0] = at_0 * g[0];
    const V even_a = at_a * (g[0] + aa * g[2]), odd_a = at_a * a * g[1];
    u[1] = even_a + odd_a;
    u[2] = even_a - odd_a;
    const V even_b = at_b * (g[0] + bb * g[2]), odd_b = at_b * b * g[1];
    u[3] = even_b + odd_b;
    u[4] = even_b - odd_b;
    u[5] = g[2];
  }
  template <class V>
  INLINE static void output(const V* s, V* y) {
    const V even_a = s[1] + s[2], odd_a = s[1] - s[2];
    const V even_b = s[3] + s[4], odd_b = s[3] - s[4];
    y[0] = s[0] + even_a + even_b;
    y[1] = a * odd_a + b * odd_b;
    y[2] = aa * even_a + bb * even_b;
    y[3] = aa * a * odd_a + bb * b * odd_b + s[5];
  }
  template <class V>
  INLINE static void spread(const V* y, V* w) {
    w[0] = y[0];
    const V even_a = y[0] + aa * y[2], odd_a = a * y[1] + aa * a * y[3];
    w[1] = even_a + odd_a;
    w[2] = even_a - odd_a;
    const V even_b = y[0] + bb * y[2], odd_b = b * y[1] + bb * b * y[3];
    w[3] = even_b + odd_b;
    w[4] = even_b - odd_b;
    w[5] = y[3];
  }
  template <class V>
  INLINE static void collect(const V* s, V* g) {
    const V even_a = at_a * (s[1] + s[2]), even_b = at_b * (s[3] + s[4]);
    g[0] = at_0 * s[0] + even_a + even_b;
    g[1] = at_a * a * (s[1] - s[2]) + at_b * b * (s[3] - s[4]);
    g[2] = aa * even_a + bb * even_b + s[5];
  }
};

// F(2, 3): points 0, 1, -1 and infinity.
template <class T>
struct Two {
  static constexpr int m = 2, n = 4;

  template <class V>
  INLINE static void input(const V* d, V* v) {
    v[0] = d[2] - d[0];
    v[1] = d[2] + d[1];
    v[2] = d[2] - d[1];
    v[3] = d[3] - d[1];
  }
  template <class V>
  INLINE static void filter(const V* g, V* u) {
    const V even = T(0.5) * (g[0] + g[2]), odd = T(0.5) * g[1];
    u[0] = -g[0];
    u[1] = even + odd;
    u[2] = even - odd;
    u[3] = g[2];
  }
  template <class V>
  INLINE static void output(const V* s, V* y) {
    y[0] = s[0] + s[1] + s[2];
    y[1] = s[1] - s[2] + s[3];
  }
  template <class V>
  INLINE static void spread(const V* y, V* w) {
    w[0] = y[0];
    w[1] = y[0] + y[1];
    w[2] = y[0] - y[1];
    w[3] = y[1];
  }
  template <class V>
  INLINE static void collect(const V* s, V* g) {
    const V even = T(0.5) * (s[1] + s[2]);
    g[0] = even - s[0];
    g[1] = T(0.5) * (s[1] - s[2]);
    g[2] = even + s[3];
  }
};

// A map of squares from side x side to other x other numbers, first along the columns as they are
// read, then along the rows as they are written. read(i, j) and write(i, j, v).
template <class V, int side, int other, class Map, class Read, class Write>
INLINE inline void both_axes(Map map, Read read, Write write) {
  V half[other][side];
#pragma GCC unroll 8
  for (int j = 0; j < side; ++j) {
    V from[side], to[other];
#pragma GCC unroll 8
    for (int i = 0; i < side; ++i) from[i] = read(i, j);
    map(from, to);
#pragma GCC unroll 8
    for (int i = 0; i < other; ++i) half[i][j] = to[i];
  }
#pragma GCC unroll 8
  for (int i = 0; i < other; ++i) {
    V to[other];
    map(half[i], to);
#pragma GCC unroll 8
    for (int j = 0; j < other; ++j) write(i, j, to[j]);
  }
}

// f.operator()<Step>(c) for whole vectors of channels, then for one channel after another.
template <class T, class F>
INLINE inline void for_channels(int64_t channels, F f) {
  constexpr int64_t lanes = vector_bytes / int64_t(sizeof(T));
  int64_t c = 0;
  for (; c + lanes <= channels; c += lanes) f.template operator()<Whole<T>>(c);
  for (; c < channels; ++c) f.template operator()<Single<T>>(c);
}

template <class T, template <class> class F>
void input(const T* const* pixels, int64_t channels, T* to, int64_t apart) {
  constexpr int n = F<T>::n;
  for_channels<T>(channels, [=]<class S>(int64_t c) INLINE {
    both_axes<typename S::Value, n, n>(
        [](auto* d, auto* v) INLINE { F<T>::input(d, v); },
        [=](int i, int j) INLINE { return load<S>(pixels[i * n + j] + c); },
        [=](int i, int j, auto v) INLINE { store<S>(to + (i * n + j) * apart + c, v); });
  });
}

template <class T, template <class> class F>
void output(const T* from, int64_t apart, int64_t channels, const T* bias, bool relu,
            T* const* results) {
  constexpr int n = F<T>::n, m = F<T>::m;
  for_channels<T>(channels, [=]<class S>(int64_t c) INLINE {
    using V = typename S::Value;
    const V start = bias ? load<S>(bias + c) : V{};
    both_axes<V, n, m>([](auto* s, auto* y) INLINE { F<T>::output(s, y); },
                       [=](int i, int j) INLINE { return load<S>(from + (i * n + j) * apart + c); },
                       [=](int i, int j, V v) INLINE {
                         v += start;
                         store<S>(results[i * m + j] + c, relu ? (v <= 0 ? V{} : v) : v);
                       });
  });
}

template <class T, template <class> class F>
void spread(const T* const* results, int64_t channels, T* to, int64_t apart) {
  constexpr int n = F<T>::n, m = F<T>::m;
  for_channels<T>(channels, [=]<class S>(int64_t c) INLINE {
    both_axes<typename S::Value, m, n>(
        [](auto* y, auto* w) INLINE { F<T>::spread(y, w); },
        [=](int i, int j) INLINE { return load<S>(results[i * m + j] + c); },
        [=](int i, int j, auto v) INLINE { store<S>(to + (i * n + j) * apart + c, v); });
  });
}

template <class T, template <class> class F>
void filter(const T* taps, int64_t row, int64_t channels, T* to, int64_t apart) {
  constexpr int n = F<T>::n;
  for_channels<T>(channels, [=]<class S>(int64_t c) INLINE {
    both_axes<typename S::Value, 3, n>(
        [](auto* g, auto* u) INLINE { F<T>::filter(g, u); },
        [=](int i, int j) INLINE { return load<S>(taps + (i * 3 + j) * row + c); },
        [=](int i, int j, auto v) INLINE { store<S>(to + (i * n + j) * apart + c, v); });
  });
}

template <class T, template <class> class F>
void collect(const T* from, int64_t apart, int64_t channels, T* taps, int64_t row) {
  constexpr int n = F<T>::n;
  for_channels<T>(channels, [=]<class S>(int64_t c) INLINE {
    both_axes<typename S::Value, n, 3>(
        [](auto* s, auto* g) INLINE { F<T>::collect(s, g); },
        [=](int i, int j) INLINE { return load<S>(from + (i * n + j) * apart + c); },
        [=](int i, int j, auto v) INLINE { store<S>(taps + (i * 3 + j) * row + c, v); });
  });
}

template <class T, template <class> class F>
constexpr WinogradTransforms<T> transforms_of{F<T>::m,      input<T, F>,  output<T, F>,
                                              spread<T, F>, filter<T, F>, collect<T, F>};

}  // namespace

const WinogradTransforms<float>& float_transforms(int m) {
  return m == 2 ? transforms_of<float, Two> : transforms_of<float, Four>;
}
const WinogradTransforms<double>& double_transforms(int m) {
  return m == 2 ? transforms_of<double, Two> : transforms_of<double, Four>;
}

}  // namespace tweed::tiles::TWEED_SIMD_LEVEL
