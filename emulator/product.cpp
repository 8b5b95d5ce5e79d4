#include "product.h"

#include <bit>

#include "counts.h"
#include "pool.h"

namespace emulator {

int bytes_of(cudaDataType_t t) {
  return t == CUDA_R_16BF ? 2 : t == CUDA_R_32F ? 4 : t == CUDA_R_64F ? 8 : 0;
}

static int64_t extent(const Matrix& m, int64_t batch) {  // elements from the first to the last
  if (!m.rows || !m.columns || !batch) return 0;
  return m.stride * (batch - 1) + m.ld * (m.columns - 1) + m.rows;
}

std::string wrong(const Product& p) {
  if (p.m < 0 || p.n < 0 || p.k < 0 || p.batch < 0) return "a size is negative";
  // Asked first, as the real library does: even where nothing is to be multiplied.
  for (auto [name, m] : {std::pair("A", &p.a), {"B", &p.b}, {"C", &p.c}})
    if (m->ld < std::max<int64_t>(1, m->rows))
      return std::string(name) + "'s leading dimension " + std::to_string(m->ld) +
             " is less than its rows, " + std::to_string(m->rows) + ", or than 1";
  auto matrix = [&](const char* name, const Matrix& m, const void* at,
                    int64_t batch) -> std::string {
    const int bytes = bytes_of(m.type);
    if (!bytes) return std::string(name) + " has a type that is not known";
    if (uint64_t(at) % uint64_t(bytes))
      return std::string(name) + " is not aligned to its elements";
    const std::size_t n = std::size_t(extent(m, batch)) * std::size_t(bytes);
    if (n && !memory().host(at, n))
      return std::string(name) + " (" + std::to_string(n) +
             " bytes) is not all in one allocation: " + memory().describe(uint64_t(at));
    if (const int owner = memory().device_of(at); n && owner >= 0 && !reaches(p.device, owner))
      return std::string(name) + " lies on another device than " + no_access(p.device, owner);
    return "";
  };
  if (p.m && p.n && p.batch) {
    if (p.k) {
      if (auto w = matrix("A", p.a, p.pa, p.batch); !w.empty()) return w;
      if (auto w = matrix("B", p.b, p.pb, p.batch); !w.empty()) return w;
    }
    if (auto w = matrix("C", p.c, p.pc, p.batch); !w.empty()) return w;
    if (auto w = matrix("D", p.c, p.pd, p.batch); !w.empty()) return w;
    // One after another, or side by side within the leading dimension.
    const bool apart = p.c.stride >= p.c.ld * (p.c.columns - 1) + p.c.rows;
    const bool beside = p.c.stride >= p.c.rows && p.c.stride * (p.batch - 1) + p.c.rows <= p.c.ld;
    if (p.batch > 1 && !apart && !beside) return "the results of a batch overlap";
  }
  const auto a = p.a.type, b = p.b.type, c = p.c.type;
  const bool known =
      p.compute == CUBLAS_COMPUTE_64F ? a == CUDA_R_64F && b == a && c == a
      : p.compute == CUBLAS_COMPUTE_32F
          ? (a == CUDA_R_32F && b == a && c == a) ||
                (a == CUDA_R_16BF && b == a && (c == a || c == CUDA_R_32F))
          : p.compute == CUBLAS_COMPUTE_32F_FAST_TF32 && a == CUDA_R_32F && b == a && c == a;
  return known ? "" : "no such combination of types";
}

namespace {

float value(uint16_t v) { return std::bit_cast<float>(uint32_t(v) << 16); }
float value(float v) { return v; }
double value(double v) { return v; }
template <class T, class S>
T rounded(S s) {
  if constexpr (!std::is_same_v<T, uint16_t>)
    return T(s);
  else {
    const auto u = std::bit_cast<uint32_t>(float(s));
    return (u & 0x7fffffff) > 0x7f800000 ? uint16_t(0x7fff)
                                         : uint16_t((u + 0x7fff + (u >> 16 & 1)) >> 16);
  }
}
float tf32(float x) {
  const auto u = std::bit_cast<uint32_t>(x);
  return (u & 0x7f800000) == 0x7f800000 ? x : std::bit_cast<float>((u + 0x1000) & 0xffffe000);
}

// op(M), column after column, as numbers to compute with.
template <class T, class S>
std::vector<S> taken(const Matrix& m, const char* at, int64_t item, bool fast) {
  const T* from = reinterpret_cast<const T*>(at) + item * m.stride;
  const int64_t rows = m.transposed ? m.columns : m.rows,
                columns = m.transposed ? m.rows : m.columns;
  std::vector<S> all(std::size_t(rows * columns));
  for (int64_t c = 0; c < columns; ++c)
    for (int64_t r = 0; r < rows; ++r) {
      S v = value(m.transposed ? from[r * m.ld + c] : from[c * m.ld + r]);
      if constexpr (std::is_same_v<S, float>)
        if (fast) v = tf32(v);
      all[std::size_t(c * rows + r)] = v;
    }
  return all;
}

template <class T, class D, class S>
void compute(const Product& p) {
  auto host = [](const void* at, const Matrix& m, int64_t batch) {
    const std::size_t n = std::size_t(extent(m, batch)) * std::size_t(bytes_of(m.type));
    char* h = memory().host(at, n);
    if (!h) throw Fault("a matrix of a product was freed before it was computed");
    return h;
  };
  const bool fast = p.compute == CUBLAS_COMPUTE_32F_FAST_TF32;
  const char *pa = p.k ? host(p.pa, p.a, p.batch) : nullptr,
             *pb = p.k ? host(p.pb, p.b, p.batch) : nullptr;
  const D* pc = reinterpret_cast<const D*>(host(p.pc, p.c, p.batch));
  D* pd = reinterpret_cast<D*>(host(p.pd, p.c, p.batch));
  const char* bias =
      p.bias ? memory().host(p.bias, std::size_t(p.m) * std::size_t(bytes_of(p.bias_type)))
             : nullptr;
  if (p.bias && !bias) throw Fault("the bias of a product is not all in one allocation");
  for (int64_t item = 0; item < p.batch; ++item) {
    std::vector<S> a, b;
    if (p.k) a = taken<T, S>(p.a, pa, item, fast), b = taken<T, S>(p.b, pb, item, fast);
    parallel(long(p.n), [&](long j) {
      std::vector<S> sum(std::size_t(p.m));
      S* s = sum.data();
      for (int64_t l = 0; l < p.k; ++l) {
        const S f = b[std::size_t(j * p.k + l)];
        const S* column = a.data() + l * p.m;
        for (int64_t i = 0; i < p.m; ++i) s[i] += column[i] * f;
      }
      for (int64_t i = 0; i < p.m; ++i) {
        const int64_t at = item * p.c.stride + j * p.c.ld + i;
        S v = S(p.alpha) * s[i];
        if (p.beta != 0) v += S(p.beta) * value(pc[at]);
        if (bias)
          v += p.bias_type == CUDA_R_16BF ? S(value(reinterpret_cast<const uint16_t*>(bias)[i]))
                                          : S(reinterpret_cast<const float*>(bias)[i]);
        if (p.relu) v = v > 0 ? v : S(0);  // NaN becomes 0, as an H200 has it
        pd[at] = rounded<D>(v);
      }
    });
  }
}

void count_product(const Product& p, const char* what) {
  auto bytes = [&](const Matrix& m) {
    return std::to_string(p.batch * m.rows * m.columns * bytes_of(m.type));
  };
  count_other(what, "\"m\": " + std::to_string(p.m) + ", \"n\": " + std::to_string(p.n) +
                        ", \"k\": " + std::to_string(p.k) +
                        ", \"batch\": " + std::to_string(p.batch) + ", \"a\": " + bytes(p.a) +
                        ", \"b\": " + bytes(p.b) + ", \"c\": " + bytes(p.c));
}

}  // namespace

cudaError_t submit(cudaStream_t stream, const Product& p, const char* what) {
  if (!p.m || !p.n || !p.batch) return cudaSuccess;
  return submit(stream, what, [p, what] {
    if (counting()) count_product(p, what);
    if (sample()) return;
    if (p.a.type == CUDA_R_64F)
      compute<double, double, double>(p);
    else if (p.a.type == CUDA_R_32F)
      compute<float, float, float>(p);
    else if (p.c.type == CUDA_R_32F)
      compute<uint16_t, float, float>(p);
    else
      compute<uint16_t, uint16_t, float>(p);
  });
}

}  // namespace emulator
