// Tensor maps: the driver's functions that make them, found by cudaGetDriverEntryPoint(), and the
// tiles that they describe.
#include "tensormap.h"

#include <cuda.h>

#include <cstring>

#include "driver.h"

namespace emulator {

// ---- tiles -------------------------------------------------------------------------------------

uint32_t bytes_of_tile(const TensorMap& m) {
  uint32_t bytes = bytes_of_row(m);
  if (m.im2col) return bytes * m.box[1];
  for (int d = 1; d < m.rank; ++d) bytes *= uint32_t((m.box[d] + m.steps[d] - 1) / m.steps[d]);
  return bytes;
}

// A row of a tile: of the first dimension, from c on, at a place that the others name.
static void add_row(const TensorMap& m, int64_t c, const int64_t* others, uint32_t offset,
                    std::vector<Run>& to) {
  const uint32_t bytes = bytes_of_row(m);
  bool inside = true;
  auto address = int64_t(m.address);
  for (int d = 1; d < m.rank; ++d) {
    inside &= others[d] >= 0 && others[d] < m.size(d);
    address += others[d] * int64_t(m.stride[d]);
  }
  const int64_t begin = std::max<int64_t>(c, 0), end = std::min<int64_t>(c + m.box[0], m.size(0));
  if (!inside || begin >= end) return to.push_back({offset, bytes, 0});
  const auto before = uint32_t((begin - c) * m.element),
             within = uint32_t((end - begin) * m.element);
  if (before) to.push_back({offset, before, 0});
  to.push_back({offset + before, within, uint64_t(address + begin * m.element)});
  if (before + within < bytes) to.push_back({offset + before + within, bytes - before - within, 0});
}

static std::vector<Run> box(const TensorMap& m, const int32_t* c) {
  std::vector<Run> all;
  int64_t at[5], count[5] = {};
  for (int d = 0; d < m.rank; ++d) at[d] = c[d];
  for (uint32_t offset = 0;; offset += bytes_of_row(m)) {
    add_row(m, c[0], at, offset, all);
    int d = 1;
    for (; d < m.rank; ++d) {
      at[d] += m.steps[d];
      if (++count[d] < (m.box[d] + m.steps[d] - 1) / m.steps[d]) break;
      at[d] = c[d];
      count[d] = 0;
    }
    if (d == m.rank) return all;
  }
}

// Pixels in the order of the tensor, each within the corners; the last dimension has images.
static std::vector<Run> pixels(const TensorMap& m, const int32_t* c, const uint16_t* offsets) {
  std::vector<Run> all;
  const int spatial = m.rank - 2;
  int64_t at[5], place[5];
  for (int d = 0; d < m.rank; ++d) at[d] = c[d];
  for (uint32_t k = 0; k < m.box[1]; ++k) {
    for (int d = 1; d < m.rank; ++d) place[d] = at[d] + (d <= spatial ? offsets[d - 1] : 0);
    add_row(m, c[0], place, k * bytes_of_row(m), all);
    int d = 1;
    for (; d <= spatial; ++d) {
      at[d] += m.steps[d];
      if (at[d] < m.size(d) + m.upper[d - 1]) break;
      at[d] = m.lower[d - 1];
    }
    if (d > spatial) ++at[m.rank - 1];
  }
  return all;
}

std::vector<Run> tile(const TensorMap& m, const int32_t* coordinates, const uint16_t* offsets) {
  return m.im2col ? pixels(m, coordinates, offsets) : box(m, coordinates);
}

// ---- making one --------------------------------------------------------------------------------

namespace {

struct Wrong {
  std::string why;
};
void demand(bool holds, const std::string& why) {
  if (!holds) throw Wrong{why};
}
std::string at(const char* name, int d) {
  return std::string(name) + "[" + std::to_string(d) + "]";
}

int bytes_of(CUtensorMapDataType t) {
  switch (t) {
    case CU_TENSOR_MAP_DATA_TYPE_UINT8:
      return 1;
    case CU_TENSOR_MAP_DATA_TYPE_UINT16:
    case CU_TENSOR_MAP_DATA_TYPE_FLOAT16:
    case CU_TENSOR_MAP_DATA_TYPE_BFLOAT16:
      return 2;
    case CU_TENSOR_MAP_DATA_TYPE_UINT64:
    case CU_TENSOR_MAP_DATA_TYPE_INT64:
    case CU_TENSOR_MAP_DATA_TYPE_FLOAT64:
      return 8;
    case CU_TENSOR_MAP_DATA_TYPE_UINT32:
    case CU_TENSOR_MAP_DATA_TYPE_INT32:
    case CU_TENSOR_MAP_DATA_TYPE_FLOAT32:
    case CU_TENSOR_MAP_DATA_TYPE_FLOAT32_FTZ:
    case CU_TENSOR_MAP_DATA_TYPE_TFLOAT32:
    case CU_TENSOR_MAP_DATA_TYPE_TFLOAT32_FTZ:
      return 4;
    default:
      throw Wrong{"a data type that the emulator does not know"};
  }
}
bool is_real(CUtensorMapDataType t) {
  return t >= CU_TENSOR_MAP_DATA_TYPE_FLOAT16 && t <= CU_TENSOR_MAP_DATA_TYPE_TFLOAT32_FTZ;
}

struct Arguments {
  CUtensorMap* map;
  CUtensorMapDataType type;
  cuuint32_t rank;
  void* address;
  const cuuint64_t *sizes, *strides;
  const cuuint32_t* steps;
  CUtensorMapInterleave interleave;
  CUtensorMapSwizzle swizzle;
  CUtensorMapFloatOOBfill fill;
};

// What both kinds have.
TensorMap common(const Arguments& a) {
  demand(architecture() >= 90, "a device of compute capability " +
                                   std::to_string(architecture() / 10) + "." +
                                   std::to_string(architecture() % 10) + " has no tensor maps");
  demand(uint64_t(a.map) % 64 == 0, "the map is not aligned to 64 bytes");
  demand(a.interleave == CU_TENSOR_MAP_INTERLEAVE_NONE,
         "an interleave, which the emulator does not know");
  demand(uint64_t(a.address) % 16 == 0, "globalAddress is not aligned to 16 bytes");
  TensorMap m;
  m.is = TensorMap::sign;
  m.address = uint64_t(a.address);
  m.rank = uint8_t(a.rank);
  m.element = uint8_t(bytes_of(a.type));
  demand(a.swizzle >= CU_TENSOR_MAP_SWIZZLE_NONE && a.swizzle <= CU_TENSOR_MAP_SWIZZLE_128B,
         "a swizzle that the emulator does not know");
  m.swizzle = uint8_t(a.swizzle);
  m.nan = a.fill == CU_TENSOR_MAP_FLOAT_OOB_FILL_NAN_REQUEST_ZERO_FMA;
  demand(!m.nan || is_real(a.type), "oobFill of NaN, of a type without NaN");
  m.stride[0] = m.element;
  for (int d = 0; d < m.rank; ++d) {
    const auto size = a.sizes[d];
    demand(size > 0 && size <= cuuint64_t(1) << 32,
           at("globalDim", d) + " is " + std::to_string(size) + ", not 1 to 2^32");
    m.last[d] = uint32_t(size - 1);
    demand(d == 0 || (a.steps[d] >= 1 && a.steps[d] <= 8),
           at("elementStrides", d) + " is " + std::to_string(a.steps[d]) + ", not 1 to 8");
    m.steps[d] = d == 0 ? 1 : uint8_t(a.steps[d]);
    if (d == 0) continue;
    const auto stride = a.strides[d - 1];
    demand(stride % 16 == 0 && stride < cuuint64_t(1) << 40,
           at("globalStrides", d - 1) + " is " + std::to_string(stride) +
               ", not a multiple of 16 below 2^40");
    m.stride[d] = stride;
  }
  return m;
}
void check_row(const TensorMap& m, const char* what) {
  const int row = int(m.box[0]) * m.element, most = 16 << m.swizzle;
  demand(row % 16 == 0,
         std::string(what) + " has " + std::to_string(row) + " bytes, not a multiple of 16");
  demand(!m.swizzle || row <= most, std::string(what) + " has " + std::to_string(row) +
                                        " bytes, more than the swizzle of " + std::to_string(most));
}
CUresult finish(const char* name, const Arguments& a, TensorMap (*make)(const Arguments&, void*),
                void* more) {
  try {
    const TensorMap m = make(a, more);
    std::memset(a.map, 0, sizeof *a.map);
    std::memcpy(static_cast<void*>(a.map), &m, sizeof m);
    return CUDA_SUCCESS;
  } catch (const Wrong& e) {
    std::fprintf(stderr, "[emulator] %s: %s\n", name, e.why.c_str());
    return CUDA_ERROR_INVALID_VALUE;
  }
}

TensorMap make_tiled(const Arguments& a, void* more) {
  const auto* sizes = static_cast<const cuuint32_t*>(more);
  demand(a.rank >= 1 && a.rank <= 5, "a tensor of " + std::to_string(a.rank) + " dimensions");
  TensorMap m = common(a);
  for (int d = 0; d < m.rank; ++d) {
    demand(sizes[d] >= 1 && sizes[d] <= 256,
           at("boxDim", d) + " is " + std::to_string(sizes[d]) + ", not 1 to 256");
    m.box[d] = uint16_t(sizes[d]);
  }
  check_row(m, "a row of the box");
  return m;
}
struct Pixels {
  const int *lower, *upper;
  cuuint32_t channels, pixels;
};
TensorMap make_im2col(const Arguments& a, void* more) {
  const Pixels& p = *static_cast<const Pixels*>(more);
  demand(a.rank >= 3 && a.rank <= 5, "im2col of " + std::to_string(a.rank) + " dimensions");
  TensorMap m = common(a);
  m.im2col = true;
  demand(p.channels >= 1 && p.channels <= 256,
         "channelsPerPixel is " + std::to_string(p.channels) + ", not 1 to 256");
  demand(p.pixels >= 1 && p.pixels <= 1024,
         "pixelsPerColumn is " + std::to_string(p.pixels) + ", not 1 to 1024");
  m.box[0] = uint16_t(p.channels);
  m.box[1] = uint16_t(p.pixels);
  const int spatial = m.rank - 2, most = spatial == 1 ? 32768 : spatial == 2 ? 128 : 16;
  for (int k = 0; k < spatial; ++k) {
    const int d = k + 1, low = p.lower[k], high = p.upper[k];  // W first, as in CUTLASS
    demand(low >= -most && low < most && high >= -most && high < most,
           "a corner of the pixel box is not within " + std::to_string(-most) + " to " +
               std::to_string(most - 1));
    demand(low < m.size(d) + high, "the pixel box is empty");
    m.lower[d - 1] = int16_t(low);
    m.upper[d - 1] = int16_t(high);
  }
  check_row(m, "a pixel");
  return m;
}

CUresult encode_tiled(CUtensorMap* map, CUtensorMapDataType type, cuuint32_t rank, void* address,
                      const cuuint64_t* sizes, const cuuint64_t* strides, const cuuint32_t* box,
                      const cuuint32_t* steps, CUtensorMapInterleave interleave,
                      CUtensorMapSwizzle swizzle, CUtensorMapL2promotion,
                      CUtensorMapFloatOOBfill fill) {
  return finish("cuTensorMapEncodeTiled",
                {map, type, rank, address, sizes, strides, steps, interleave, swizzle, fill},
                make_tiled, const_cast<cuuint32_t*>(box));
}
CUresult encode_im2col(CUtensorMap* map, CUtensorMapDataType type, cuuint32_t rank, void* address,
                       const cuuint64_t* sizes, const cuuint64_t* strides, const int* lower,
                       const int* upper, cuuint32_t channels, cuuint32_t pixels_per_column,
                       const cuuint32_t* steps, CUtensorMapInterleave interleave,
                       CUtensorMapSwizzle swizzle, CUtensorMapL2promotion,
                       CUtensorMapFloatOOBfill fill) {
  Pixels p{lower, upper, channels, pixels_per_column};
  return finish("cuTensorMapEncodeIm2col",
                {map, type, rank, address, sizes, strides, steps, interleave, swizzle, fill},
                make_im2col, &p);
}

}  // namespace
}  // namespace emulator

using namespace emulator;

extern "C" {

cudaError_t cudaGetDriverEntryPointByVersion(const char* symbol, void** out, unsigned version,
                                             unsigned long long,
                                             cudaDriverEntryPointQueryResult* result) {
  const std::pair<const char*, void*> known[] = {
      {"cuTensorMapEncodeTiled", reinterpret_cast<void*>(encode_tiled)},
      {"cuTensorMapEncodeIm2col", reinterpret_cast<void*>(encode_im2col)},
  };
  *out = nullptr;
  auto status = cudaDriverEntryPointSymbolNotFound;
  for (auto& [name, f] : known)
    if (std::strcmp(name, symbol) == 0) {
      status =
          version >= 12000 ? cudaDriverEntryPointSuccess : cudaDriverEntryPointVersionNotSufficent;
      if (version >= 12000) *out = f;
    }
  if (status == cudaDriverEntryPointSymbolNotFound)
    std::fprintf(stderr, "[emulator] cudaGetDriverEntryPoint: %s is not known\n", symbol);
  if (result) *result = status;
  return cudaSuccess;
}
cudaError_t cudaGetDriverEntryPoint(const char* symbol, void** out, unsigned long long flags,
                                    cudaDriverEntryPointQueryResult* result) {
  return cudaGetDriverEntryPointByVersion(symbol, out, CUDART_VERSION, flags, result);
}

}  // extern "C"
