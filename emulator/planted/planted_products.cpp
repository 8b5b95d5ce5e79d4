// Mistakes in calls of cuBLAS and cuBLASLt.
#include <cublasLt.h>
#include <cublas_v2.h>
#include <cuda_runtime_api.h>

#include <cmath>

#include "planted.h"

namespace {

constexpr int n = 16;  // all matrices are n x n, of ones
constexpr std::size_t bytes = n * n * sizeof(float), workspace_bytes = 1 << 20;
constexpr float one = 1, zero = 0;

struct Set {
  float *a = nullptr, *b = nullptr, *c = nullptr, *bias = nullptr;
  void* workspace = nullptr;
  cudaStream_t stream = nullptr;
  cublasHandle_t blas = nullptr;
  cublasLtHandle_t blas_lt = nullptr;
  Set() {
    const std::vector<float> ones(n * n, 1.f);
    for (float** p : {&a, &b, &c, &bias}) {
      checked(cudaMalloc(reinterpret_cast<void**>(p), bytes));
      checked(cudaMemcpy(*p, ones.data(), bytes, cudaMemcpyHostToDevice));
    }
    checked(cudaMalloc(&workspace, workspace_bytes));
    checked(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
    checked(cublasCreate(&blas));
    checked(cublasSetStream(blas, stream));
    checked(cublasLtCreate(&blas_lt));
  }
  bool holds(float wanted) const {
    std::vector<float> values(n * n);
    checked(cudaDeviceSynchronize());
    checked(cudaMemcpy(values.data(), c, bytes, cudaMemcpyDeviceToHost));
    for (float v : values)
      if (v != wanted && !(v != v && wanted != wanted)) return false;
    return true;
  }
  void multiply(int k, const float* from, int lda, cudaDataType type = CUDA_R_32F) const {
    checked(cublasGemmEx(blas, CUBLAS_OP_N, CUBLAS_OP_N, n, n, k, &one, from, type, lda, b,
                         CUDA_R_32F, n, &zero, c, CUDA_R_32F, n, CUBLAS_COMPUTE_32F,
                         CUBLAS_GEMM_DEFAULT));
  }
};

bool small_leading_dimension(bool bug) {
  const Set s;
  s.multiply(n, s.a, bug ? n - 1 : n);
  return s.holds(n);
}
bool no_leading_dimension(bool bug) {  // where nothing is to be added up
  const Set s;
  checked(cublasGemmEx(s.blas, CUBLAS_OP_T, CUBLAS_OP_N, n, n, 0, &one, s.a, CUDA_R_32F,
                       bug ? 0 : 1, s.b, CUDA_R_32F, 1, &zero, s.c, CUDA_R_32F, n,
                       CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT));
  return s.holds(0);
}
bool matrix_past_end(bool bug) {
  const Set s;
  s.multiply(n, bug ? s.a + 1 : s.a, n);
  return s.holds(n);
}
bool matrix_of_host(bool bug) {
  const Set s;
  const std::vector<float> host(n * n, 1.f);
  s.multiply(n, bug ? host.data() : s.a, n);
  return s.holds(n);
}
bool mixed_types(bool bug) {
  const Set s;
  s.multiply(n, s.a, n, bug ? CUDA_R_16BF : CUDA_R_32F);
  return s.holds(n);
}
bool captured_without_workspace(bool bug) {
  const Set s;
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t ready = nullptr;
  if (!bug) checked(cublasSetWorkspace(s.blas, s.workspace, workspace_bytes));
  checked(cudaStreamBeginCapture(s.stream, cudaStreamCaptureModeThreadLocal));
  s.multiply(n, s.a, n);
  checked(cudaStreamEndCapture(s.stream, &graph));
  checked(cudaGraphInstantiate(&ready, graph, 0));
  checked(cudaGraphLaunch(ready, s.stream));
  return s.holds(n);
}
bool stream_not_told(bool bug) {  // to cuBLAS, whose product then comes before its factor
  const Set s;
  checked(cudaMemsetAsync(s.a, 0, bytes, s.stream));
  if (bug) checked(cublasSetStream(s.blas, nullptr));
  s.multiply(n, s.a, n);
  if (bug) checked(cudaStreamSynchronize(nullptr));
  return s.holds(0);
}

// ---- cuBLASLt
// ------------------------------------------------------------------------------------

struct Change {  // what a mistake changes of a product with bias and ReLU
  const float* bias = nullptr;
  cublasLtEpilogue_t epilogue = CUBLASLT_EPILOGUE_RELU_BIAS;
  float wanted = n + 1;
  int ld = n;          // of A, when it is computed
  bool other = false;  // the algorithm is another product's
  std::size_t workspace = workspace_bytes;
  const float* later = nullptr;  // the bias, once the algorithm is chosen
};
bool multiply_with_bias(const Set& s, const Change& change) {
  cublasLtMatmulDesc_t description = nullptr;
  cublasLtMatrixLayout_t layout = nullptr, factor = nullptr;
  cublasLtMatmulPreference_t preference = nullptr;
  checked(cublasLtMatmulDescCreate(&description, CUBLAS_COMPUTE_32F, CUDA_R_32F));
  checked(cublasLtMatmulDescSetAttribute(description, CUBLASLT_MATMUL_DESC_EPILOGUE,
                                         &change.epilogue, sizeof change.epilogue));
  checked(cublasLtMatmulDescSetAttribute(description, CUBLASLT_MATMUL_DESC_BIAS_POINTER,
                                         &change.bias, sizeof change.bias));
  checked(cublasLtMatrixLayoutCreate(&layout, CUDA_R_32F, n, n, n));
  checked(cublasLtMatrixLayoutCreate(&factor, CUDA_R_32F, n, n, change.ld));
  checked(cublasLtMatmulPreferenceCreate(&preference));
  checked(cublasLtMatmulPreferenceSetAttribute(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES,
                                               &workspace_bytes, sizeof workspace_bytes));
  cublasLtMatmulHeuristicResult_t found;
  int count = 0;
  checked(cublasLtMatmulAlgoGetHeuristic(s.blas_lt, description, change.other ? layout : factor,
                                         layout, layout, layout, preference, 1, &found, &count));
  if (change.later)
    checked(cublasLtMatmulDescSetAttribute(description, CUBLASLT_MATMUL_DESC_BIAS_POINTER,
                                           &change.later, sizeof change.later));
  checked(cublasLtMatmul(s.blas_lt, description, &one, s.a, factor, s.b, layout, &zero, s.c, layout,
                         s.c, layout, &found.algo, s.workspace, change.workspace, s.stream));
  return s.holds(change.wanted);
}
bool misaligned_bias(bool bug) {  // for which there is no algorithm
  const Set s;
  return multiply_with_bias(s, {.bias = s.bias + (bug ? 1 : 4)});
}
bool algorithm_of_aligned_bias(bool bug) {
  const Set s;
  return multiply_with_bias(s, {.bias = s.bias, .later = s.bias + (bug ? 1 : 4)});
}
bool bias_past_end(bool bug) {
  const Set s;
  return multiply_with_bias(s, {.bias = s.bias + (bug ? n * n - 4 : 0)});
}
bool bias_of_host(bool bug) {
  const Set s;
  const std::vector<float> host(n, 1.f);
  return multiply_with_bias(s, {.bias = bug ? host.data() : s.bias});
}
bool small_leading_dimension_lt(bool bug) {
  const Set s;
  return multiply_with_bias(s, {.bias = s.bias, .ld = bug ? n - 1 : n});
}
bool algorithm_of_another(bool bug) {
  Set s;
  checked(cudaMalloc(reinterpret_cast<void**>(&s.a), 2 * bytes));
  const std::vector<float> ones(2 * n * n, 1.f);
  checked(cudaMemcpy(s.a, ones.data(), 2 * bytes, cudaMemcpyHostToDevice));
  return multiply_with_bias(s, {.bias = s.bias, .ld = 2 * n, .other = bug});
}
bool small_workspace(bool bug) {
  const Set s;
  return multiply_with_bias(s, {.bias = s.bias, .workspace = bug ? 0 : workspace_bytes});
}
// cuBLASLt's ReLU makes NaN 0: who counts on NaN to tell of a network that has diverged sees none.
bool relu_hides_nan(bool bug) {
  const Set s;
  checked(cudaMemset(s.a, 0xff, bytes));
  return multiply_with_bias(s,
                            {.bias = s.bias,
                             .epilogue = bug ? CUBLASLT_EPILOGUE_RELU_BIAS : CUBLASLT_EPILOGUE_BIAS,
                             .wanted = std::nanf("")});
}

}  // namespace

std::vector<Planted> planted_in_products() {
  auto refused = [](const char* name, const char* says, bool (*run)(bool)) {
    return Planted{name, Found::error, says, nullptr, nullptr, run};
  };
  auto spoils = [](const char* name, bool (*run)(bool)) {
    return Planted{name, Found::wrong, nullptr, nullptr, nullptr, run};
  };
  return {
      refused("small_leading_dimension", "A's leading dimension 15", small_leading_dimension),
      refused("no_leading_dimension", "A's leading dimension 0", no_leading_dimension),
      refused("matrix_past_end", "A (1024 bytes) is not all in one allocation", matrix_past_end),
      refused("matrix_of_host", "far from any allocation", matrix_of_host),
      refused("mixed_types", "no such combination of types", mixed_types),
      refused("captured_without_workspace", "without a workspace", captured_without_workspace),
      spoils("stream_not_told", stream_not_told),
      refused("misaligned_bias", nullptr, misaligned_bias),
      refused("algorithm_of_aligned_bias", "the bias is not aligned to 16 bytes",
              algorithm_of_aligned_bias),
      refused("bias_past_end", "the bias is not device memory", bias_past_end),
      refused("bias_of_host", "the bias is not device memory", bias_of_host),
      refused("small_leading_dimension_lt", "a leading dimension is less",
              small_leading_dimension_lt),
      refused("algorithm_of_another", "was found for another product", algorithm_of_another),
      refused("small_workspace", "is smaller than the algorithm's", small_workspace),
      spoils("relu_hides_nan", relu_hides_nan),
  };
}
