// gemm on `cuda`: cuBLAS, and cuBLASLt where a bias follows.
#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>

#include "kernels/bias.h"
#include "kernels/gemm.h"
#include "kernels/machine/cuda/runtime.h"
#include "kernels/machine/trace.h"

namespace tweed {
namespace {

template <class T>
constexpr cudaDataType_t type_of = std::is_same_v<T, float>    ? CUDA_R_32F
                                   : std::is_same_v<T, double> ? CUDA_R_64F
                                                               : CUDA_R_16BF;
template <class T>
cublasComputeType_t compute_type(const Cuda& here) {
  if (std::is_same_v<T, double>) return CUBLAS_COMPUTE_64F;
  return std::is_same_v<T, float> && here.tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F;
}
void check_blas(cublasStatus_t status) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  cudaGetLastError();  // which the next launch would be blamed for
  throw DeviceError(std::string("[gemm] cuBLAS: ") + cublasGetStatusString(status));
}

template <class T, class C>
trace::Call traced(Cuda& here, const char* name, const Gemm& g) {
  const auto bytes =
      int64_t((g.m * g.k + g.k * g.n) * int64_t(sizeof(T)) + g.m * g.n * int64_t(sizeof(C))) *
      g.batch;
  return {.name = name, .bytes = bytes, .cuda = &here};
}

// cuBLAS counts in 32 bits.
int narrow(int64_t size) {
  if (size <= std::numeric_limits<int>::max()) return int(size);
  throw DeviceError("[gemm] a size of " + std::to_string(size) +
                    ", more than the 2147483647 that cuBLAS takes; use a smaller batch");
}

// Sums of nothing. cuBLAS refuses matrices without columns.
template <class C>
void zero_products(Cuda& here, const Gemm& g, C* c) {
  const bool dense = g.ldc == g.n;
  const int64_t rows = dense ? 1 : g.m, columns = dense ? g.m * g.n : g.n;
  for (int64_t i = 0; i < g.batch; ++i)
    for (int64_t row = 0; row < rows; ++row)
      cuda::zero(here, c + i * g.stride_c + row * g.ldc, std::size_t(columns) * sizeof(C));
}

// cuBLAS is column-major: a row-major C = A B is its C' = B' A'.
template <class T, class C>
void cublas_gemm(Cuda& here, const Gemm& g, const T* a, const T* b, C* c) {
  if (g.m == 0 || g.n == 0 || g.batch == 0) return;
  const trace::Timed timed(traced<T, C>(here, "cuBLAS gemm", g));
  if (g.k == 0) {
    if (!g.accumulate) zero_products(here, g, c);
    return;
  }
  acc_t<T> one = 1, beta = g.accumulate ? 1 : 0;
  check_blas(cublasGemmStridedBatchedEx(
      here.queue->blas, g.transpose_b ? CUBLAS_OP_T : CUBLAS_OP_N,
      g.transpose_a ? CUBLAS_OP_T : CUBLAS_OP_N, narrow(g.n), narrow(g.m), narrow(g.k), &one, b,
      type_of<T>, narrow(g.ldb), g.stride_b, a, type_of<T>, narrow(g.lda), g.stride_a, &beta, c,
      type_of<C>, narrow(g.ldc), g.stride_c, narrow(g.batch), compute_type<T>(here),
      CUBLAS_GEMM_DEFAULT));
}

// ---- cuBLASLt: its descriptions are freed at the end of their scope.

template <class Handle, cublasStatus_t (*destroy)(Handle)>
struct Description {
  Handle handle = nullptr;
  Description() = default;
  Description(const Description&) = delete;
  Description& operator=(const Description&) = delete;
  ~Description() {
    if (handle) destroy(handle);
  }
};
struct Layout : Description<cublasLtMatrixLayout_t, cublasLtMatrixLayoutDestroy> {
  Layout(cudaDataType_t type, bool transpose, int64_t rows, int64_t columns, int64_t ld) {
    check_blas(cublasLtMatrixLayoutCreate(&handle, type, uint64_t(transpose ? columns : rows),
                                          uint64_t(transpose ? rows : columns), ld));
  }
};
struct Product : Description<cublasLtMatmulDesc_t, cublasLtMatmulDescDestroy> {
  Product(cublasComputeType_t compute, cudaDataType_t scale) {
    check_blas(cublasLtMatmulDescCreate(&handle, compute, scale));
  }
  template <class V>
  void set(cublasLtMatmulDescAttributes_t attribute, const V& value) {
    check_blas(cublasLtMatmulDescSetAttribute(handle, attribute, &value, sizeof value));
  }
};
struct Preference : Description<cublasLtMatmulPreference_t, cublasLtMatmulPreferenceDestroy> {
  Preference() { check_blas(cublasLtMatmulPreferenceCreate(&handle)); }
  template <class V>
  void set(cublasLtMatmulPreferenceAttributes_t attribute, const V& value) {
    check_blas(cublasLtMatmulPreferenceSetAttribute(handle, attribute, &value, sizeof value));
  }
};

uint32_t alignment_of(const void* p) {
  const auto address = reinterpret_cast<std::uintptr_t>(p);
  return uint32_t(std::min<std::uintptr_t>(256, address & (~address + 1)));
}

// What the choice of an algorithm depends on. It is looked up once: asking costs longer than a
// small product. Empty where cuBLASLt knows none.
using Key = std::array<int64_t, 14>;
using Algorithm = std::optional<cublasLtMatmulAlgo_t>;
std::map<Key, Algorithm>& chosen_algorithms() {
  static thread_local std::map<Key, Algorithm> all;
  return all;
}

// C = A B + bias in one pass; false if cuBLASLt cannot. Its ReLU stays out of it: on an H200 that
// made NaN 0, and a network that has diverged would look alive.
template <class T>
bool lt_gemm(Cuda& here, const Gemm& g, const T* a, const T* b, const T* bias, T* c) {
  if (alignment_of(bias) < 16) return false;
  const float one = 1, zero = 0;
  const cublasComputeType_t compute = compute_type<T>(here);
  Product product(compute, CUDA_R_32F);
  product.set(CUBLASLT_MATMUL_DESC_TRANSA, g.transpose_b ? CUBLAS_OP_T : CUBLAS_OP_N);
  product.set(CUBLASLT_MATMUL_DESC_TRANSB, g.transpose_a ? CUBLAS_OP_T : CUBLAS_OP_N);
  product.set(CUBLASLT_MATMUL_DESC_EPILOGUE, CUBLASLT_EPILOGUE_BIAS);
  product.set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, bias);
  const Layout lb(type_of<T>, g.transpose_b, g.n, g.k, g.ldb);
  const Layout la(type_of<T>, g.transpose_a, g.k, g.m, g.lda);
  const Layout lc(type_of<T>, false, g.n, g.m, g.ldc);

  const uint32_t aligned[] = {alignment_of(b), alignment_of(a), alignment_of(c)};
  const Key key{here.index,          g.m,        g.n,        g.k,       g.transpose_a,
                g.transpose_b,       g.lda,      g.ldb,      g.ldc,     int64_t(compute),
                int64_t(type_of<T>), aligned[0], aligned[1], aligned[2]};
  auto found = chosen_algorithms().find(key);
  if (found == chosen_algorithms().end()) {
    Preference preference;
    preference.set(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, cuda_workspace_bytes);
    preference.set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, aligned[0]);
    preference.set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, aligned[1]);
    preference.set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, aligned[2]);
    preference.set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, aligned[2]);
    cublasLtMatmulHeuristicResult_t result;
    int count = 0;
    const auto status =
        cublasLtMatmulAlgoGetHeuristic(here.queue->blas_lt, product.handle, lb.handle, la.handle,
                                       lc.handle, lc.handle, preference.handle, 1, &result, &count);
    if (status != CUBLAS_STATUS_NOT_SUPPORTED) check_blas(status);
    const bool known = status == CUBLAS_STATUS_SUCCESS && count > 0;
    found = chosen_algorithms().emplace(key, known ? Algorithm(result.algo) : Algorithm()).first;
  }
  if (!found->second) return false;
  const trace::Timed timed(traced<T, T>(here, "cuBLASLt gemm with bias", g));
  check_blas(cublasLtMatmul(here.queue->blas_lt, product.handle, &one, b, lb.handle, a, la.handle,
                            &zero, c, lc.handle, c, lc.handle, &*found->second,
                            here.queue->workspace, cuda_workspace_bytes, here.queue->stream));
  return true;
}

template <class T>
void cublas_gemm_bias(Cuda& here, const Gemm& g, Activation activation, Span<const T> a,
                      Span<const T> b, Span<const T> bias, Span<T> c) {
  bool added = false;
  if constexpr (!std::is_same_v<T, double>)
    if (bias.size() && g.batch == 1 && !g.accumulate && g.k && g.m && g.n)
      added = lt_gemm<T>(here, g, a, b, bias.data(), c);
  if (added)
    bias = {};
  else
    cublas_gemm<T, T>(here, g, a, b, c);
  if (bias.size() || activation != Activation::none)
    bias_forward(here, activation, g.n ? c.size() / g.n : 0, bias, c);
}

}  // namespace

#define ON_CUDA(T)                                                                    \
  template <>                                                                         \
  void gemm(Cuda& here, const Gemm& g, Span<const T> a, Span<const T> b, Span<T> c) { \
    cublas_gemm<T, T>(here, g, a, b, c);                                              \
  }                                                                                   \
  template <>                                                                         \
  void gemm_bias(Cuda& here, const Gemm& g, Activation activation, Span<const T> a,   \
                 Span<const T> b, Span<const T> bias, Span<T> c) {                    \
    cublas_gemm_bias<T>(here, g, activation, a, b, bias, c);                          \
  }
FOR_FLOATING_TYPES(ON_CUDA)
template <>
void gemm(Cuda& here, const Gemm& g, Span<const bf16> a, Span<const bf16> b, Span<float> c) {
  cublas_gemm<bf16, float>(here, g, a, b, c);
}

}  // namespace tweed
