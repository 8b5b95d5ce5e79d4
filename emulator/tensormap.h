// What a CUtensorMap holds here: a real one is opaque.
#pragma once
#include <cstdint>
#include <vector>

namespace emulator {

struct TensorMap {
  static constexpr uint64_t sign = 0x70616d726f736e74;
  uint64_t is = 0;
  uint64_t address = 0;
  uint8_t rank = 0, element = 0;  ///< dimensions; bytes
  uint8_t swizzle = 0;            ///< bits of an address that are exchanged: 0, 1, 2, 3
  bool nan = false, im2col = false;
  uint8_t steps[5] = {};
  uint16_t box[5] = {};                  ///< of im2col: channels, then pixels
  int16_t lower[3] = {}, upper[3] = {};  ///< of im2col: W, H, D
  uint32_t last[5] = {};                 ///< dimensions - 1
  uint64_t stride[5] = {};               ///< in bytes
  int64_t size(int d) const { return int64_t(last[d]) + 1; }
};
static_assert(sizeof(TensorMap) <= 128);

/// A part of a tile: bytes that lie together in the tensor and, before they are exchanged, in
/// shared memory.
struct Run {
  uint32_t offset;  ///< in the tile
  uint32_t bytes;
  uint64_t address;  ///< in the GPU's memory; 0: outside of the tensor
};
/// The tile at these coordinates; of im2col, the pixels from there on, with what is added to each.
std::vector<Run> tile(const TensorMap&, const int32_t* coordinates, const uint16_t* offsets);
uint32_t bytes_of_tile(const TensorMap&);
inline uint32_t bytes_of_row(const TensorMap& m) { return uint32_t(m.box[0]) * m.element; }

/// Where 16 bytes go that lie at an offset of shared memory: bits 4 to 6 of it are exchanged by
/// bits 7 to 9.
inline uint32_t swizzled(uint32_t offset, int bits) {
  return offset ^ (offset >> 7 & ((1u << bits) - 1)) << 4;
}

}  // namespace emulator
