// Matrix products.
#pragma once
#include "kernels/bias.h"
#include "kernels/machine/machine.h"

namespace tweed {

/// C = A B, or C += A B: row-major matrices, A (m, k), B (k, n), C (m, n), and batches of them.
/// With transpose_a, A is stored as (k, m); with transpose_b, B as (n, k).
struct Gemm {
  int64_t m, n, k;
  bool transpose_a = false, transpose_b = false;
  int64_t lda, ldb, ldc;  ///< elements from one stored row to the next
  bool accumulate = false;
  int64_t batch = 1, stride_a = 0, stride_b = 0, stride_c = 0;  ///< elements between matrices

  double flops() const { return 2 * double(m) * double(n) * double(k) * double(batch); }
};

/// On `cpu` oneDNN in float (bf16 is converted around it) and plain_gemm in double; on `cuda`
/// cuBLAS; on `sim` tiled_gemm. bf16 adds up in float.
template <class M, class T>
void gemm(M&, const Gemm&, Span<const T> a, Span<const T> b, Span<T> c);

/// The same for bf16 factors and a float C, which sums over pieces of k are kept in.
template <class M>
void gemm(M&, const Gemm&, Span<const bf16> a, Span<const bf16> b, Span<float> c);

/// C = activation(A B + bias). On `cuda` cuBLASLt adds the bias in the product's last write where it
/// can; ReLU is a pass of its own everywhere, since the libraries' lose NaN.
/// @param bias  (n), or empty;   @param c  rows of n elements: ldc = n
template <class M, class T>
void gemm_bias(M&, const Gemm&, Activation activation, Span<const T> a, Span<const T> b,
               Span<const T> bias, Span<T> c);

/// Three nested loops, for every machine.
template <class M, class T>
void plain_gemm(M&, const Gemm&, Span<const T> a, Span<const T> b, Span<T> c);

/// Blocks of 16x16 through shared memory: `cuda` and `sim` only. C has the type of A and B, or is
/// float beside bf16.
template <class M, class T, class C>
void tiled_gemm(M&, const Gemm&, Span<const T> a, Span<const T> b, Span<C> c);

}  // namespace tweed
