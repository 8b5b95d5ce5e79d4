// Sums over the windows that a pixel has won, a pack of channels at a time. For max_pool_packs.h.

/// The gradient of a window and the numbers of the cells that have won it.
template <class T>
struct WonPack {
  Pack<T> dy;
  Winners<T> winner;

  /// No window: nobody has won it.
  __device__ WonPack() : dy{} {
#pragma unroll
    for (int k = 0; k < Pack<T>::size; ++k) winner.v[k] = 127;
  }
  __device__ WonPack(const T* dy_at, const uint8_t* winner_at)
      : dy(pack_at(dy_at)), winner(*reinterpret_cast<const Winners<T>*>(winner_at)) {}
};

/// The sum of packs where cell `id`, below 127, has won.
template <class T>
class WonSum {
 public:
  __device__ void add(const WonPack<T>& from, int id) {
#pragma unroll
    for (int k = 0; k < Pack<T>::size; ++k)
      sums_[k] += from.winner.v[k] == id ? from.dy[k] : acc_t<T>(0);
  }
  __device__ Pack<T> pack() const { return Pack<T>::of(sums_); }

 private:
  acc_t<T> sums_[Pack<T>::size] = {};
};

/// All ones or zeros in byte k of the result, as the sign of byte `bytes[k]` of v says.
template <int b0, int b1, int b2, int b3>
__device__ inline uint32_t signs_of_bytes(uint32_t v) {
#ifdef __CUDA_ARCH__
  uint32_t signs;  // __byte_perm would ignore the 8 that asks for signs
  asm("prmt.b32 %0, %1, 0, %2;"
      : "=r"(signs)
      : "r"(v), "n"(0x8888 | b0 | b1 << 4 | b2 << 8 | b3 << 12));
  return signs;
#else
  auto sign = [&](int byte) { return v >> (8 * byte + 7) & 1 ? 0xffu : 0u; };
  return sign(b0) | sign(b1) << 8 | sign(b2) << 16 | sign(b3) << 24;
#endif
}

/// Four winners are compared at once, and two numbers become 0 at once where they have lost: byte
/// by byte a GPU would take four times as many instructions.
template <>
class WonSum<bf16> {
 public:
  __device__ void add(const WonPack<bf16>& from, int id) {
    uint32_t pairs[4], winners[2];
    memcpy(pairs, from.dy.v, sizeof pairs);
    memcpy(winners, from.winner.v, sizeof winners);
#pragma unroll
    for (int k = 0; k < 2; ++k) {
      // The top bit of a byte stays where the numbers are the same; both are below 128.
      const uint32_t same = 0x80808080u - (winners[k] ^ uint32_t(id) * 0x01010101u);
      add_pair(2 * k, pairs[2 * k] & signs_of_bytes<0, 0, 1, 1>(same));
      add_pair(2 * k + 1, pairs[2 * k + 1] & signs_of_bytes<2, 2, 3, 3>(same));
    }
    ++count_;
  }
  __device__ Pack<bf16> pack() const {
    if (count_ != 1) return Pack<bf16>::of(sums_);
    Pack<bf16> one;  // nothing was added, so nothing needs to be rounded
    memcpy(one.v, first_, sizeof first_);
    return one;
  }

 private:
  __device__ void add_pair(int k, uint32_t pair) {
    if (count_ == 0) first_[k] = pair;
    const float low = bits_float(pair << 16), high = bits_float(pair & 0xffff0000u);
    sums_[2 * k] = count_ == 0 ? low : sums_[2 * k] + low;
    sums_[2 * k + 1] = count_ == 0 ? high : sums_[2 * k + 1] + high;
  }

  float sums_[8] = {};
  uint32_t first_[4] = {};
  int count_ = 0;  // known to the compiler: callers' loops are unrolled
};
