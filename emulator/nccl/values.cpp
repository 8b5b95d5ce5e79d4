#include "nccl/values.h"

#include <immintrin.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

namespace emulator {
namespace {

struct Half {
  uint16_t bits;
};
struct Bfloat16 {
  uint16_t bits;
};

template <class T>
T loaded(T v) {
  return v;
}
template <class T>
void store(T& to, T v) {
  to = v;
}
float loaded(Bfloat16 v) { return std::bit_cast<float>(uint32_t(v.bits) << 16); }
void store(Bfloat16& to, float v) {
  const auto u = std::bit_cast<uint32_t>(v);
  to.bits = v != v ? uint16_t(0x7fff) : uint16_t((u + 0x7fff + (u >> 16 & 1)) >> 16);
}
float loaded(Half v) { return _cvtsh_ss(v.bits); }
void store(Half& to, float v) { to.bits = _cvtss_sh(v, _MM_FROUND_TO_NEAREST_INT); }

template <class V>
V combined(ncclRedOp_t op, V a, V b) {
  switch (op) {
    case ncclProd:
      return V(a * b);
    case ncclMax:
      return a != a ? a : b != b ? b : std::max(a, b);
    case ncclMin:
      return a != a ? a : b != b ? b : std::min(a, b);
    default:  // of an average too
      return V(a + b);
  }
}

template <class T>
void reduce_all(ncclRedOp_t op, std::size_t count, const std::vector<const char*>& from, char* to) {
  using V = decltype(loaded(T()));
  for (std::size_t i = 0; i < count; ++i) {
    T result;
    std::memcpy(&result, from[0] + i * sizeof(T), sizeof(T));
    for (std::size_t rank = 1; rank < from.size(); ++rank) {
      T other;
      std::memcpy(&other, from[rank] + i * sizeof(T), sizeof(T));
      store(result, combined<V>(op, loaded(result), loaded(other)));
    }
    if (op == ncclAvg) store(result, V(loaded(result) / V(from.size())));
    std::memcpy(to + i * sizeof(T), &result, sizeof(T));
  }
}

}  // namespace

std::size_t bytes_of(ncclDataType_t t) {
  switch (t) {
    case ncclInt8:
    case ncclUint8:
      return 1;
    case ncclFloat16:
    case ncclBfloat16:
      return 2;
    case ncclInt32:
    case ncclUint32:
    case ncclFloat32:
      return 4;
    case ncclInt64:
    case ncclUint64:
    case ncclFloat64:
      return 8;
    default:
      return 0;
  }
}
const char* name_of(ncclDataType_t t) {
  static const char* const names[] = {"ncclInt8",    "ncclUint8",   "ncclInt32",   "ncclUint32",
                                      "ncclInt64",   "ncclUint64",  "ncclFloat16", "ncclFloat32",
                                      "ncclFloat64", "ncclBfloat16"};
  return bytes_of(t) ? names[t] : "another type";
}
const char* name_of(ncclRedOp_t op) {
  static const char* const names[] = {"ncclSum", "ncclProd", "ncclMax", "ncclMin", "ncclAvg"};
  return op >= 0 && op < ncclNumOps ? names[op] : "another operation";
}

void reduce(ncclDataType_t type, ncclRedOp_t op, std::size_t count,
            const std::vector<const char*>& from, char* to) {
  switch (type) {
    case ncclInt8:
      return reduce_all<int8_t>(op, count, from, to);
    case ncclUint8:
      return reduce_all<uint8_t>(op, count, from, to);
    case ncclInt32:
      return reduce_all<int32_t>(op, count, from, to);
    case ncclUint32:
      return reduce_all<uint32_t>(op, count, from, to);
    case ncclInt64:
      return reduce_all<int64_t>(op, count, from, to);
    case ncclUint64:
      return reduce_all<uint64_t>(op, count, from, to);
    case ncclFloat16:
      return reduce_all<Half>(op, count, from, to);
    case ncclBfloat16:
      return reduce_all<Bfloat16>(op, count, from, to);
    case ncclFloat32:
      return reduce_all<float>(op, count, from, to);
    case ncclFloat64:
      return reduce_all<double>(op, count, from, to);
    default:
      return;
  }
}

}  // namespace emulator
