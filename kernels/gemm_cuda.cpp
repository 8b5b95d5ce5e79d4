// gemm on `cuda`: cuBLAS.
#include <cublas_v2.h>

#include "kernels/gemm.h"

namespace tweed {
namespace {

template <class T>
constexpr cudaDataType_t type_of = std::is_same_v<T, float>    ? CUDA_R_32F
                                   : std::is_same_v<T, double> ? CUDA_R_64F
                                                               : CUDA_R_16BF;

// cuBLAS is column-major: a row-major C = A B is its C' = B' A'.
template <class T>
void cublas_gemm(Cuda& here, const Gemm& g, const T* a, const T* b, T* c) {
  if (g.m == 0 || g.n == 0 || g.batch == 0) return;
  acc_t<T> one = 1, beta = g.accumulate ? 1 : 0;
  auto status = cublasGemmStridedBatchedEx(
      cublasHandle_t(here.blas), g.transpose_b ? CUBLAS_OP_T : CUBLAS_OP_N,
      g.transpose_a ? CUBLAS_OP_T : CUBLAS_OP_N, int(g.n), int(g.m), int(g.k), &one, b, type_of<T>,
      int(g.ldb), g.stride_b, a, type_of<T>, int(g.lda), g.stride_a, &beta, c, type_of<T>,
      int(g.ldc), g.stride_c, int(g.batch),
      std::is_same_v<T, double> ? CUBLAS_COMPUTE_64F : CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT);
  if (status != CUBLAS_STATUS_SUCCESS)
    throw DeviceError(std::string("[gemm] cuBLAS: ") + cublasGetStatusString(status));
}

}  // namespace

#define ON_CUDA(T)                                                                          \
  template <>                                                                               \
  void gemm(Cuda& here, const Gemm& g, Span<const T> a, Span<const T> b, Span<T> c) {       \
    cublas_gemm<T>(here, g, a, b, c);                                                       \
  }
FOR_FLOATING_TYPES(ON_CUDA)

}  // namespace tweed
