// What kernels of compute capability 9.0 compute on the emulator: mbarriers, copies of tiles,
// products of four warps, clusters. Built for sm_90a, run with EMULATOR_ARCH=90.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>

#include "hopper.h"

static int failures = 0;
static void check(bool holds, const char* what) {
  if (!holds) ++failures;
  std::printf("%s  %s\n", holds ? "ok    " : "FAILED", what);
}
#define CHECK(x) check((x), #x)

template <class T>
T* to_device(const std::vector<T>& values) {
  T* p = nullptr;
  cudaMalloc(&p, values.size() * sizeof(T));
  cudaMemcpy(p, values.data(), values.size() * sizeof(T), cudaMemcpyHostToDevice);
  return p;
}
template <class T>
std::vector<T> to_host(const T* p, std::size_t n) {
  std::vector<T> values(n);
  if (cudaDeviceSynchronize() != cudaSuccess) return std::vector<T>(n, T(-12345.f));
  cudaMemcpy(values.data(), p, n * sizeof(T), cudaMemcpyDeviceToHost);
  return values;
}
template <class T = float>
T* fresh(std::size_t n) {
  T* p = nullptr;
  cudaMalloc(&p, n * sizeof(T));
  return p;
}
static std::vector<float> counted(std::size_t n) {
  std::vector<float> v(n);
  for (std::size_t i = 0; i < n; ++i) v[i] = float(i + 1);
  return v;
}

// ---- mbarriers, named barriers -----------------------------------------------------------------

// One warp brings pieces of 128 floats through a ring of two; the others double them.
__global__ void ring(const float* x, float* y, int pieces) {
  __shared__ __align__(128) float stage[2][128];
  __shared__ uint64_t full[2], empty[2];
  if (threadIdx.x == 0) {
    for (int s = 0; s < 2; ++s) make(&full[s], 1), make(&empty[s], 128);
    show_made();
  }
  __syncthreads();
  if (threadIdx.x >= 128) {
    asm volatile("setmaxnreg.dec.sync.aligned.u32 40;");
    uint32_t leads;
    asm volatile("{\n.reg .pred p;\nelect.sync _|p, 0xffffffff;\nselp.u32 %0, 1, 0, p;\n}"
                 : "=r"(leads));
    if (leads)
      for (int k = 0; k < pieces; ++k) {
        const int s = k % 2;
        wait(&empty[s], k / 2 % 2 ^ 1);
        arrive_expecting(&full[s], sizeof stage[0]);
        bulk_load(stage[s], x + 128 * k, sizeof stage[0], &full[s]);
      }
    return;
  }
  for (int k = 0; k < pieces; ++k) {
    const int s = k % 2;
    if (k % 3)
      wait(&full[s], k / 2 % 2);
    else
      while (!has_ended(&full[s], k / 2 % 2)) {
      }
    y[128 * k + threadIdx.x] = 2 * stage[s][threadIdx.x];
    arrive(&empty[s]);
  }
}
// The first two warps hand numbers to the others: bar.arrive and bar.sync.
__global__ void handed(const float* x, float* y) {
  __shared__ float s[64];
  for (int k = 0; k < 4; ++k) {
    if (threadIdx.x < 64) {
      bar_sync(2, 128);
      s[threadIdx.x] = x[64 * k + threadIdx.x];
      asm volatile("bar.arrive 1, 128;" ::: "memory");
    } else {
      asm volatile("bar.arrive 2, 128;" ::: "memory");
      bar_sync(1, 128);
      y[64 * k + threadIdx.x - 64] = s[threadIdx.x % 64 ^ 1];
    }
  }
}
static void test_barriers() {
  const auto h = counted(1280);
  const float* x = to_device(h);
  float* y = fresh(1280);
  ring<<<1, 160>>>(x, y, 10);
  auto v = to_host(y, 1280);
  bool right = true;
  for (int i = 0; i < 1280; ++i) right &= v[i] == 2 * h[i];
  check(right, "a ring of mbarriers between warps");
  handed<<<1, 128>>>(x, y);
  v = to_host(y, 256);
  right = true;
  for (int i = 0; i < 256; ++i) right &= v[i] == h[i ^ 1];
  check(right, "named barriers: arrive and sync");
}

// ---- tiles -------------------------------------------------------------------------------------

constexpr int most = 4096;  // floats of a tile
template <int dimensions>
__global__ void tile(const __grid_constant__ CUtensorMap map, int x, int y, int z, int bytes,
                     float* out) {
  extern __shared__ __align__(1024) float s[];
  __shared__ uint64_t full;
  if (threadIdx.x == 0) {
    make(&full, 1);
    fence_async();
    arrive_expecting(&full, bytes);
    if (dimensions == 1) load_1d(s, &map, x, &full);
    if (dimensions == 2) load_2d(s, &map, x, y, &full);
    if (dimensions == 5) load_5d(s, &map, x, y, z, 0, 1, &full);
  }
  __syncthreads();
  wait(&full, 0);
  for (int i = threadIdx.x; i < bytes / 4; i += blockDim.x) out[i] = s[i];
  __syncthreads();
  if (threadIdx.x == 0) unmake(&full);
}
__global__ void stored(const __grid_constant__ CUtensorMap map, const float* x) {
  __shared__ __align__(128) float s[8 * 16];
  s[threadIdx.x] = x[threadIdx.x];
  fence_async();
  __syncthreads();
  if (threadIdx.x == 0) {
    store_2d(&map, 4, -3, s);
    bulk_commit();
    bulk_wait_read();
  }
}
static void test_tiles() {
  const auto h = counted(20 * 12);
  float *x = to_device(h), *y = fresh(most);
  alignas(64) CUtensorMap map;
  auto image = [&](int c, int r) { return c >= 0 && c < 20 && r >= 0 && r < 12; };
  CHECK(!tiled_map(map, x, {.sizes = {20, 12}}, {8, 6}));
  for (auto [c, r] : {std::pair(0, 0), {15, 9}, {-2, -3}, {40, 2}}) {
    tile<2><<<1, 64, most * 4>>>(map, c, r, 0, 8 * 6 * 4, y);
    const auto v = to_host(y, 48);
    bool right = true;
    for (int i = 0; i < 48; ++i)
      right &= v[i] == (image(c + i % 8, r + i / 8) ? h[(r + i / 8) * 20 + c + i % 8] : 0);
    check(right, "a tile of two dimensions, zeros outside");
  }
  CHECK(!tiled_map(map, x,
                   {.fill = CU_TENSOR_MAP_FLOAT_OOB_FILL_NAN_REQUEST_ZERO_FMA, .sizes = {20, 12}},
                   {8, 6}));
  tile<2><<<1, 64, most * 4>>>(map, 16, 0, 0, 8 * 6 * 4, y);
  auto v = to_host(y, 48);
  CHECK(v[3] == h[19] && std::isnan(v[4]) && v[8] == h[36]);

  CHECK(!tiled_map(map, x, {.sizes = {20, 12}, .steps = {1, 3}}, {8, 7}));  // rows 0, 3, 6
  tile<2><<<1, 64, most * 4>>>(map, 0, 1, 0, 8 * 3 * 4, y);
  v = to_host(y, 24);
  CHECK(v[0] == h[20] && v[8] == h[80] && v[16] == h[140]);

  CHECK(!tiled_map(map, x, {.sizes = {240}}, {16}));
  tile<1><<<1, 64, most * 4>>>(map, 230, 0, 0, 64, y);
  v = to_host(y, 16);
  CHECK(v[9] == 240 && v[10] == 0);

  CHECK(!tiled_map(map, x, {.sizes = {4, 3, 2, 5, 2}}, {4, 2, 2, 3, 1}));
  tile<5><<<1, 64, most * 4>>>(map, 0, 1, 1, 4 * 2 * 2 * 3 * 4, y);
  v = to_host(y, 48);
  bool right = true;
  for (int i = 0; i < 48; ++i) {
    const int a = i % 4, b = 1 + i / 4 % 2, c = 1 + i / 8 % 2, d = i / 16;
    right &= v[i] == (c < 2 ? h[(((1 * 5 + d) * 2 + c) * 3 + b) * 4 + a] : 0);
  }
  check(right, "a tile of five dimensions");

  for (int bits = 1; bits <= 3; ++bits) {
    const int row = 4 << bits;  // floats
    CHECK(!tiled_map(map, x, {.swizzle = CUtensorMapSwizzle(bits), .sizes = {20, 12}},
                     {cuuint32_t(row), 12}));
    tile<2><<<1, 64, most * 4>>>(map, 0, 0, 0, row * 12 * 4, y);
    v = to_host(y, row * 12);
    right = true;
    for (int i = 0; i < row * 12; ++i) {
      const int byte = 4 * i, place = byte ^ (byte >> 7 & ((1 << bits) - 1)) << 4;
      right &= v[place / 4] == (i % row < 20 ? h[i / row * 20 + i % row] : 0);
    }
    check(right, "a swizzled tile");
  }

  CHECK(!tiled_map(map, x, {.sizes = {20, 12}}, {8, 16}));
  const auto w = counted(128);
  stored<<<1, 128>>>(map, to_device(w));
  v = to_host(x, 240);
  right = true;
  for (int i = 0; i < 240; ++i) {
    const int c = i % 20 - 4, r = i / 20 + 3;
    right &= v[i] == (c >= 0 && c < 8 && r < 16 ? w[8 * r + c] : h[i]);
  }
  check(right, "a stored tile, cut off outside");
}

__global__ void pixels(const __grid_constant__ CUtensorMap map, int dimensions, int w, int h, int n,
                       int dw, int dh, int bytes, float* out) {
  extern __shared__ __align__(1024) float s[];
  __shared__ uint64_t full;
  if (threadIdx.x == 0) {
    make(&full, 1);
    show_made();
    arrive_expecting(&full, bytes);
    if (dimensions == 3)
      load_pixels_3d(s, &map, 4, w, n, dw, &full);
    else
      load_pixels_4d(s, &map, 4, w, h, n, dw, dh, &full);
  }
  __syncthreads();
  wait(&full, 0);
  for (int i = threadIdx.x; i < bytes / 4; i += blockDim.x) out[i] = s[i];
}
static void test_pixels() {
  constexpr int N = 2, H = 5, W = 6, C = 8, pad = 1, high = 2, K = 3;  // high: above and below
  const auto h = counted(N * H * W * C);
  float *x = to_device(h), *y = fresh(most);
  alignas(64) CUtensorMap map;
  for (int step : {1, 2}) {
    CHECK(!pixel_map(map, x,
                     {.sizes = {C, W, H, N}, .steps = {1, cuuint32_t(step), cuuint32_t(step), 1}},
                     {-pad, -high}, {pad - (K - 1), high - (K - 1)}, 4, 40));
    const int OW = (W + 2 * pad - K) / step + 1, OH = (H + 2 * high - K) / step + 1, first = 4;
    bool right = true;
    for (int kh = 0; kh < K; ++kh)
      for (int kw = 0; kw < K; ++kw) {
        pixels<<<1, 64, most * 4>>>(map, 4, first % OW * step - pad, first / OW * step - high, 0,
                                    kw, kh, 40 * 4 * 4, y);
        const auto v = to_host(y, 160);
        for (int i = 0; i < 160; ++i) {
          const int p = first + i / 4, ow = p % OW, oh = p / OW % OH, n = p / OW / OH,
                    iw = ow * step - pad + kw, ih = oh * step - high + kh;
          const bool inside = n < N && iw >= 0 && iw < W && ih >= 0 && ih < H;
          right &= v[i] == (inside ? h[((n * H + ih) * W + iw) * C + 4 + i % 4] : 0);
        }
      }
    check(right, "im2col of images");
  }
  CHECK(!pixel_map(map, x, {.sizes = {C, W * H, N}}, {-2}, {-1}, 4, 32));
  pixels<<<1, 64, most * 4>>>(map, 3, -2, 0, 0, 3, 0, 32 * 4 * 4, y);
  const auto v = to_host(y, 128);
  bool right = true;
  for (int i = 0; i < 128; ++i) {  // places -2 to 28, and 3 to the right of each
    const int p = i / 4, w = p % 31 - 2 + 3, n = p / 31;
    right &= v[i] == (w < W * H ? h[(n * W * H + w) * C + 4 + i % 4] : 0);
  }
  check(right, "im2col of lines");
}

// ---- products ----------------------------------------------------------------------------------

// d (64, 64) = A B: each side from a tile of `span` bytes in a row, K-major or not.
template <int mn>
__global__ void product(const __grid_constant__ CUtensorMap a,
                        const __grid_constant__ CUtensorMap b, int span, int k, float* out) {
  extern __shared__ __align__(1024) char tiles[];
  char* const s = tiles;
  __shared__ uint64_t full;
  const int row = span ? span : 16, parts = mn ? 128 / row : 2 * k / row, rows = mn ? k : 64;
  if (threadIdx.x == 0) {
    make(&full, 1);
    show_made();
    arrive_expecting(&full, 2 * 64 * k * 2);
    for (int p = 0; p < parts; ++p) {
      load_2d(s + p * rows * row, &a, p * row / 2, 0, &full);
      load_2d(s + 8192 + p * rows * row, &b, p * row / 2, 0, &full);
    }
  }
  __syncthreads();
  wait(&full, 0);
  const int mode = span == 128 ? 1 : span == 64 ? 2 : span == 32 ? 3 : 0;
  const uint32_t group = 8 * row, part = rows * row, leading = mn && !span ? group : part,
                 stride = mn && !span ? part : group;
  float d[32];
  for (float& v : d) v = 1;
  wgmma_fence();
  for (int step = 0; step < k / 16; ++step) {
    // 16 more of k: two groups of 8 rows, or 32 bytes, or two parts.
    const uint32_t at = step * (mn ? 2 * group : span ? 32 : 2 * part);
    wgmma_64<mn, mn>(d, matrix(address(s) + at, leading, stride, mode),
                     matrix(address(s) + 8192 + at, leading, stride, mode), step > 0);
  }
  wgmma_commit();
  wgmma_wait<0>();
  for (int j = 0; j < 32; ++j) out[row_of(threadIdx.x, j) * 64 + column_of(threadIdx.x, j)] = d[j];
}
// From numbers that ordinary instructions write: A in registers; f16; tf32; with a minus.
template <int form>
__global__ void other_product(float* out) {
  __shared__ __align__(128) char s[64 * 32 + 16 * 32];
  float d[8];
  for (float& v : d) v = 100;
  // Core matrices of 8 rows x 16 bytes: first those of one k, so the leading distance is longer.
  const int width = form == 2 ? 4 : 8;
  for (int i = threadIdx.x; i < 80 * 2 * width; i += 128) {
    const int r = i / (2 * width), k = i % (2 * width), of = r < 64 ? 0 : 2048,
              rows = r < 64 ? 64 : 16;
    const float v = r < 64 ? float(r % 5 - 2 + k % 3) : float((r - 64) % 7 - 3 + k % 2);
    char* at = s + of + (r < 64 ? r : r - 64) * 16 + k / width * rows * 16;
    if (form == 0) reinterpret_cast<bf16*>(at)[k % 8] = __float2bfloat16(v);
    if (form == 1) reinterpret_cast<__half*>(at)[k % 8] = __float2half(v);
    if (form == 2) reinterpret_cast<float*>(at)[k % 4] = v;
  }
  fence_async();
  __syncthreads();
  const uint64_t a = matrix(address(s), 64 * 16, 128, 0),
                 b = matrix(address(s) + 2048, 256, 128, 0);
  uint32_t in[4];
  for (int r = 0; r < 4 && form == 0; ++r) {
    const int row = threadIdx.x / 32 * 16 + threadIdx.x % 32 / 4 + r % 2 * 8;
    in[r] = *reinterpret_cast<const uint32_t*>(s + row * 16 + r / 2 * 1024 + threadIdx.x % 4 * 4);
  }
  wgmma_fence();
  if (form == 0) wgmma_registers(d, in, b);
  if (form == 1) wgmma_half<-1>(d, a, b);
  if (form == 2) wgmma_tf32(d, a, b);
  wgmma_commit();
  wgmma_wait<0>();
  for (int j = 0; j < 8; ++j) out[row_of(threadIdx.x, j) * 16 + column_of(threadIdx.x, j)] = d[j];
}
// Two groups under way at once, over the same sums and over others.
__global__ void chained(float* out) {
  __shared__ __align__(128) bf16 s[80 * 16];
  for (int i = threadIdx.x; i < 80 * 16; i += 128) s[i] = __float2bfloat16(1.f);
  fence_async();
  __syncthreads();
  const uint64_t a = matrix(address(s), 64 * 16, 128, 0),
                 b = matrix(address(s) + 2048, 256, 128, 0);
  float d[8] = {}, e[8] = {};
  const uint32_t ones[4] = {0x3f803f80, 0x3f803f80, 0x3f803f80, 0x3f803f80};
  wgmma_fence();
  for (int k = 0; k < 5; ++k) {
    wgmma_registers(d, ones, b);
    wgmma_commit();
    wgmma_wait<1>();
    wgmma_fence();
  }
  wgmma_half<1>(e, a, b);  // the same bits, as f16: 1.875
  wgmma_commit();
  wgmma_wait<1>();  // d is done, e may not be
  const float first = d[3];
  wgmma_wait<0>();
  if (threadIdx.x == 0) out[0] = first, out[1] = e[0], out[2] = d[7];
}
static void test_products() {
  constexpr int M = 64, K = 64;
  for (int mn = 0; mn < 2; ++mn)
    for (int span : {0, 32, 64, 128}) {
      const int k = mn ? 32 : span ? span / 2 : 16;
      std::vector<float> a(M * K), b(M * K);
      for (int i = 0; i < M * K; ++i) a[i] = float(i % 7 - 3), b[i] = float(i % 11 - 5);
      auto stored_as = [&](const std::vector<float>& v) {
        std::vector<bf16> t(M * k);
        for (int r = 0; r < M; ++r)
          for (int c = 0; c < k; ++c)
            t[mn ? c * M + r : r * k + c] = __float2bfloat16(v[r * K + c]);
        return to_device(t);
      };
      alignas(64) CUtensorMap ma, mb;
      const MapOf of{.type = CU_TENSOR_MAP_DATA_TYPE_BFLOAT16,
                     .swizzle = CUtensorMapSwizzle(span == 128 ? 3 : span / 32),
                     .sizes = {cuuint64_t(mn ? M : k), cuuint64_t(mn ? k : M)}};
      const std::vector<cuuint32_t> box = {cuuint32_t(span ? span / 2 : 8), cuuint32_t(mn ? k : M)};
      CHECK(!tiled_map(ma, stored_as(a), of, box) && !tiled_map(mb, stored_as(b), of, box));
      float* y = fresh(M * M);
      (mn ? product<1> : product<0>)<<<1, 128, 16384>>>(ma, mb, span, k, y);
      const auto v = to_host(y, M * M);
      bool right = true;
      for (int i = 0; i < M * M; ++i) {
        float sum = 0;
        for (int c = 0; c < k; ++c) sum += a[i / M * K + c] * b[i % M * K + c];
        right &= v[i] == sum;
      }
      std::printf("        %s, rows of %d bytes\n", mn ? "MN-major" : "K-major", span);
      check(right, "wgmma from shared memory");
    }
  float* y = fresh(64 * 16);
  for (int form = 0; form < 3; ++form) {
    (form == 0 ? other_product<0> : form == 1 ? other_product<1> : other_product<2>)<<<1, 128>>>(y);
    const auto v = to_host(y, 64 * 16);
    bool right = true;
    for (int i = 0; i < 64 * 16; ++i) {
      float sum = 100;
      for (int k = 0; k < (form == 2 ? 8 : 16); ++k)
        sum += (form == 1 ? -1 : 1) * float(i / 16 % 5 - 2 + k % 3) * float(i % 16 % 7 - 3 + k % 2);
      right &= v[i] == sum;
    }
    check(right, form == 0   ? "wgmma with A in registers"
                 : form == 1 ? "wgmma of f16, with a minus"
                             : "wgmma of tf32");
  }
  chained<<<1, 128>>>(y);
  const auto v = to_host(y, 3);
  CHECK(v[0] == 80 && v[1] == 16 * 1.875f * 1.875f && v[2] == 80);
}

// ---- clusters ----------------------------------------------------------------------------------

__global__ __cluster_dims__(4, 1, 1) void neighbours(const float* x, float* y) {
  __shared__ float s[32];
  __shared__ uint64_t taken;
  const uint32_t rank = cluster_rank(), next = (rank + 1) % 4;
  if (threadIdx.x == 0) make(&taken, 32), show_made();
  s[threadIdx.x] = x[blockIdx.x * 32 + threadIdx.x];
  cluster_sync();
  const float v = read_in_cluster(in_block(address(s + threadIdx.x), next));
  arrive_at(in_block(address(&taken), next));
  wait(&taken, 0);  // the block before has read ours
  const auto* before = reinterpret_cast<float*>(s);
  uint64_t there;
  asm("mapa.u64 %0, %1, %2;" : "=l"(there) : "l"(before + threadIdx.x), "r"((rank + 3) % 4));
  cluster_sync();
  y[blockIdx.x * 32 + threadIdx.x] = v + 1000 * *reinterpret_cast<const float*>(there);
  cluster_sync();
}
__global__ void multicast(const __grid_constant__ CUtensorMap map, float* y) {
  __shared__ __align__(128) float s[2][32];
  __shared__ uint64_t full;
  if (threadIdx.x == 0) {
    make(&full, 1);
    show_made();
    arrive_expecting(&full, sizeof s);
  }
  cluster_sync();
  if (threadIdx.x == 0) load_2d_to_all(s[cluster_rank()], &map, 0, int(cluster_rank()), &full, 3);
  wait(&full, 0);
  for (int k = 0; k < 2; ++k) y[(2 * blockIdx.x + k) * 32 + threadIdx.x] = s[k][threadIdx.x];
  cluster_sync();
}
static void test_clusters() {
  const auto h = counted(256);
  float *x = to_device(h), *y = fresh(256);
  neighbours<<<8, 32>>>(x, y);
  auto v = to_host(y, 256);
  bool right = true;
  for (int i = 0; i < 256; ++i) {
    const int block = i / 32, first = block / 4 * 4;
    right &= v[i] == h[(first + (block + 1) % 4) * 32 + i % 32] +
                         1000 * h[(first + (block + 3) % 4) * 32 + i % 32];
  }
  check(right, "blocks of a cluster read each other's shared memory");
  alignas(64) CUtensorMap map;
  CHECK(!tiled_map(map, x, {.sizes = {32, 2}}, {32, 1}));
  cudaLaunchAttribute two{.id = cudaLaunchAttributeClusterDimension};
  two.val.clusterDim = {2, 1, 1};
  cudaLaunchConfig_t c{.gridDim = {4, 1, 1}, .blockDim = {32, 1, 1}, .attrs = &two, .numAttrs = 1};
  CHECK(!cudaLaunchKernelEx(&c, multicast, map, y));
  v = to_host(y, 256);
  right = true;
  for (int i = 0; i < 256; ++i) right &= v[i] == h[i % 64];
  check(right, "multicast");
  c.gridDim.x = 3;
  CHECK(cudaLaunchKernelEx(&c, multicast, map, y) == cudaErrorInvalidClusterSize);
  neighbours<<<6, 32>>>(x, y);
  CHECK(cudaGetLastError() == cudaErrorInvalidClusterSize);
}

int main() {
  setenv("EMULATOR_ARCH", "90", 1);
  test_barriers();
  test_tiles();
  test_pixels();
  test_products();
  test_clusters();
  CHECK(cudaDeviceSynchronize() == cudaSuccess);
  std::printf("%d failures\n", failures);
  return failures != 0;
}
