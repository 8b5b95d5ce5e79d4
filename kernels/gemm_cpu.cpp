// gemm on `cpu` (oneDNN) and `sim` (the tiled kernel).
#include <omp.h>
#include <oneapi/dnnl/dnnl.h>

#include <vector>

#include "kernels/copy.h"
#include "kernels/gemm.h"
#include "kernels/machine/trace.h"

namespace tweed {
namespace {

// Matrices up to this many multiplications are left to a thread each: waking all of them for every
// matrix costs more than a small product.
constexpr int64_t small_product = int64_t(1) << 22;

void sgemm(Cpu& here, const Gemm& g, const float* a, const float* b, float* c) {
  const bool spread = g.batch > 1 && g.m * g.n * g.k <= small_product;
  const int threads = here.threads ? here.threads : omp_get_max_threads();
  bool refused = false;
#pragma omp parallel for num_threads(threads) reduction(|| : refused) if (spread)
  for (int64_t i = 0; i < g.batch; ++i) {
    auto status = dnnl_sgemm(g.transpose_a ? 'T' : 'N', g.transpose_b ? 'T' : 'N', g.m, g.n, g.k, 1,
                             a + i * g.stride_a, g.lda, b + i * g.stride_b, g.ldb,
                             g.accumulate ? 1 : 0, c + i * g.stride_c, g.ldc);
    refused = refused || status != dnnl_success;
  }
  if (refused)
    throw Error("[gemm] oneDNN refuses " + std::to_string(g.m) + " x " + std::to_string(g.n) +
                " x " + std::to_string(g.k));
}

std::vector<float> as_float(Cpu& here, Span<const bf16> x) {
  std::vector<float> y(std::size_t(x.size()));
  convert(here, x, Span<float>(y));
  return y;
}

}  // namespace

template <>
void gemm(Cpu& here, const Gemm& g, Span<const float> a, Span<const float> b, Span<float> c) {
  if (g.k == 0 || g.m == 0 || g.n == 0) return plain_gemm(here, g, a, b, c);
  const trace::Timed timed({.name = "oneDNN sgemm", .bytes = trace::bytes_of_all(a, b, c)});
  sgemm(here, g, a, b, c);
}
template <>
void gemm(Cpu& here, const Gemm& g, Span<const double> a, Span<const double> b, Span<double> c) {
  plain_gemm(here, g, a, b, c);
}
template <>
void gemm(Cpu& here, const Gemm& g, Span<const bf16> a, Span<const bf16> b, Span<bf16> c) {
  auto af = as_float(here, a), bf = as_float(here, b), cf = as_float(here, c);
  gemm<Cpu, float>(here, g, af, bf, cf);
  convert(here, Span<const float>(cf), c);
}

template <>
void gemm(Cpu& here, const Gemm& g, Span<const bf16> a, Span<const bf16> b, Span<float> c) {
  auto af = as_float(here, a), bf = as_float(here, b);
  gemm<Cpu, float>(here, g, af, bf, c);
}
template <>
void gemm(Sim& here, const Gemm& g, Span<const bf16> a, Span<const bf16> b, Span<float> c) {
  tiled_gemm(here, g, a, b, c);
}

// Elsewhere bias and activation are a pass of their own.
template <class M, class T>
void gemm_bias(M& here, const Gemm& g, Activation activation, Span<const T> a, Span<const T> b,
               Span<const T> bias, Span<T> c) {
  gemm(here, g, a, b, c);
  if (bias.size() || activation != Activation::none)
    bias_forward(here, activation, g.n ? c.size() / g.n : 0, bias, c);
}

#define ON_SIM(T)                                                                    \
  template <>                                                                        \
  void gemm(Sim& here, const Gemm& g, Span<const T> a, Span<const T> b, Span<T> c) { \
    tiled_gemm(here, g, a, b, c);                                                    \
  }
FOR_FLOATING_TYPES(ON_SIM)
#define WITH_BIAS(T)                                                                   \
  template void gemm_bias(Cpu&, const Gemm&, Activation, Span<const T>, Span<const T>, \
                          Span<const T>, Span<T>);                                     \
  template void gemm_bias(Sim&, const Gemm&, Activation, Span<const T>, Span<const T>, \
                          Span<const T>, Span<T>);
FOR_FLOATING_TYPES(WITH_BIAS)

}  // namespace tweed
