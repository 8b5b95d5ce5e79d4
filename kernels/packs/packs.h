// Sixteen bytes at a time: how kernels for a GPU walk over rows of channels. For kernel files of
// `cuda` and `sim`; on `cpu` the ranges of index.h over single elements vectorise by themselves.
//
// A thread keeps the same channels for all of its rows, so what belongs to a channel stays in
// registers, and asks for several rows before it uses the first: memory answers after some 500
// cycles, and only what is on its way meanwhile counts.
#pragma once
#include <cstdint>

#include "kernels/machine/dtype.h"
#include "kernels/machine/inline.h"
#include "kernels/machine/machine.h"

namespace tweed {

/// Two numbers as bf16, the first in the lower half.
TWEED_INLINE uint32_t rounded_pair(float low, float high) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
  uint32_t pair;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
  return pair;
#else
  return uint32_t(store<bf16>(high).bits) << 16 | store<bf16>(low).bits;
#endif
}

/// As many numbers as fill 16 bytes, the most that one instruction loads or stores.
template <class T>
struct alignas(16) Pack {
  static constexpr int size = 16 / sizeof(T);
  T v[size];

  TWEED_INLINE acc_t<T> operator[](int i) const { return load(v[i]); }
  /// Rounds. A value, not a change in place: of that nvcc makes a store of each byte.
  TWEED_INLINE static Pack of(const acc_t<T> (&values)[size]) {
    Pack pack;
    if constexpr (std::is_same_v<T, bf16>) {
      uint32_t pairs[4];
#pragma unroll
      for (int i = 0; i < 4; ++i) pairs[i] = rounded_pair(values[2 * i], values[2 * i + 1]);
      memcpy(pack.v, pairs, sizeof pairs);
    } else {
#pragma unroll
      for (int i = 0; i < size; ++i) pack.v[i] = values[i];
    }
    return pack;
  }
};
/// The pack that begins at p, which is aligned to 16 bytes.
template <class T>
TWEED_INLINE const Pack<T>& pack_at(const T* p) {
  return *reinterpret_cast<const Pack<T>*>(p);
}
template <class T>
TWEED_INLINE Pack<T>& pack_at(T* p) {
  return *reinterpret_cast<Pack<T>*>(p);
}

/// Whether rows of C channels in these places are whole packs; null pointers are.
template <class T, class... P>
inline bool in_packs(int64_t C, const P*... places) {
  return C > 0 && C % Pack<T>::size == 0 &&
         ((reinterpret_cast<uintptr_t>(places) % 16 == 0) && ...);
}

constexpr int pack_threads = 256;
constexpr Config pack_config(int64_t blocks) { return {.grid = blocks, .block = {pack_threads}}; }

/// A flat block's threads on rows of C channels: `wide` packs of channels side by side, `at_once`
/// rows. Rows wider than the block are taken a tile of `wide` packs after the other.
template <class T>
struct PackTile {
  int first, wide, at_once;  // the first pack

  TWEED_INLINE static int64_t packs(int64_t C) { return C / Pack<T>::size; }
  TWEED_INLINE PackTile(int64_t C, int64_t first)
      : first(int(first)),
        wide(int(packs(C) - first < pack_threads ? packs(C) - first : pack_threads)),
        reciprocal_(((1u << 20) + unsigned(wide) - 1) / unsigned(wide)) {
    at_once = row_of(pack_threads);
  }
  /// n / wide for n up to 2,048 = 2^11: the reciprocal of `wide`, at most 2^8, is less than 2^-12
  /// too large, and a GPU takes twenty instructions for a division.
  TWEED_INLINE int row_of(int n) const { return int(unsigned(n) * reciprocal_ >> 20); }

 private:
  unsigned reciprocal_;
};
/// Rows that give each thread of a block `each` of them.
template <class T>
int64_t pack_rows(int64_t C, int each) {
  return int64_t(each) * PackTile<T>(C, 0).at_once;
}

}  // namespace tweed
