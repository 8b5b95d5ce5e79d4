// wgmma: four warps multiply 64 rows of A, from shared memory or registers, by B from shared
// memory. Each warp has 16 of the rows, and computes them here by itself. It happens when the group
// is waited for; until then the accumulators hold signalling NaNs that name what they will be, so
// that they may be moved from register to register, but computing with them gives NaN.
#include <immintrin.h>

#include <algorithm>
#include <array>

#include "access.h"
#include "decode.h"
#include "tensormap.h"

namespace emulator {

bool gathered(Warp&, const Instr&, uint32_t wanted);

namespace {

enum Form : uint8_t { brain = 0, half = 1, tf32 = 2, kinds = 3, a_in_registers = 4 };
enum More : uint8_t { mn_major_a = 8, mn_major_b = 16, minus_a = 32, minus_b = 64 };

using Values = std::array<uint32_t, lanes_of_warp>;
constexpr uint32_t tokens = 0x7f95'5000, most_slots = 4096;

struct Product {
  uint64_t a, b;  ///< descriptors
  Values in_registers[4];
  std::vector<uint32_t> slots;
  bool adds;
  int group;
  const Instr* instr;
};
struct Slot {
  Values values;
  bool used = false;
};

}  // namespace

struct Products {
  std::vector<Product> all;
  std::vector<Slot> slots;
  int group = 0;
  bool fenced = false, ever = false;
  std::vector<std::pair<uint32_t, Values>> settled;  ///< what the last wait gave, by register

  uint32_t slot() {
    for (uint32_t s = 0; s < slots.size(); ++s)
      if (!slots[s].used) return slots[s].used = true, s;
    slots.push_back({{}, true});
    return uint32_t(slots.size() - 1);
  }
  bool is_token(uint32_t bits) const {
    return bits - tokens < slots.size() && slots[bits - tokens].used;
  }
};

namespace {

Products& products_of(Warp& w) {
  if (!w.products) w.products = std::make_shared<Products>();
  return *w.products;
}

// ---- matrices in shared memory -----------------------------------------------------------------

// A descriptor: where the matrix begins, the distance of its parts, the swizzle.
struct Matrix {
  uint32_t start, leading, stride, base;
  int bits;       ///< of the swizzle
  uint32_t span;  ///< bytes of a row that the swizzle exchanges
  explicit Matrix(uint64_t d)
      : start(uint32_t(d & 0x3fff) << 4),
        leading(uint32_t(d >> 16 & 0x3fff) << 4),
        stride(uint32_t(d >> 32 & 0x3fff) << 4),
        base(uint32_t(d >> 49 & 7)) {
    constexpr int of_mode[] = {0, 3, 2, 1};
    bits = of_mode[d >> 62];
    span = 16u << bits;
  }
  uint32_t place(uint32_t offset) const {
    const uint32_t row = ((offset >> 7) - base) & ((1u << bits) - 1);
    return offset ^ row << 4;
  }
  /// 16 bytes of a row's k, `chunk` of them before.
  uint32_t k_major(uint32_t row, uint32_t chunk) const {
    return place(start + row % 8 * span + row / 8 * stride + chunk * (bits ? 16 : leading));
  }
  /// 16 bytes of neighbouring rows, of one k.
  uint32_t mn_major(uint32_t chunk, uint32_t k) const {
    if (!bits) return place(start + chunk * stride + k / 8 * leading + k % 8 * 16);
    const uint32_t wide = span / 16;
    return place(start + chunk / wide * leading + chunk % wide * 16 + k % 8 * span +
                 k / 8 * stride);
  }
};

void widen(const void* chunk, Form kind, float* to) {
  const __m128i raw = _mm_loadu_si128(static_cast<const __m128i*>(chunk));
  if (kind == tf32)
    _mm_storeu_ps(to, _mm_castsi128_ps(_mm_and_si128(raw, _mm_set1_epi32(int(0xffffe000)))));
  else if (kind == half)
    _mm256_storeu_ps(to, _mm256_cvtph_ps(raw));
  else
    _mm256_storeu_ps(to, _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(raw), 16)));
}

// rows x K numbers of a matrix, as f(row, k, number).
template <class F>
void read_matrix(Warp& w, const Instr& i, uint64_t descriptor, bool mn_major, uint32_t first,
                 uint32_t rows, F f) {
  const Form kind = Form(i.flags & kinds);
  const Matrix m(descriptor);
  Block& b = *w.block;
  const uint32_t width = kind == tf32 ? 4 : 8, K = 2 * width;
  float numbers[8];
  auto fetch = [&](uint32_t offset) {
    if (offset + 16 > b.shared_bytes)
      fail(w, i, 0,
           "a matrix at offset " + std::to_string(offset) + " of shared memory; the block has " +
               std::to_string(b.shared_bytes));
    check_fenced(w, i, 0, b, b.shared.data() + offset, 16);
    widen(b.shared.data() + offset, kind, numbers);
  };
  if (mn_major) {
    for (uint32_t k = 0; k < K; ++k)
      for (uint32_t c = first / 8; c < (first + rows) / 8; ++c) {
        fetch(m.mn_major(c, k));
        for (uint32_t e = 0; e < 8; ++e) f(8 * c + e - first, k, numbers[e]);
      }
    return;
  }
  for (uint32_t r = first; r < first + rows; ++r)
    for (uint32_t c = 0; c < 2; ++c) {
      fetch(m.k_major(r, c));
      for (uint32_t e = 0; e < width; ++e) f(r - first, c * width + e, numbers[e]);
    }
}

// ---- products ----------------------------------------------------------------------------------

float number(uint32_t bits, Form kind, int which) {
  float f;
  if (kind == half) return _cvtsh_ss(uint16_t(bits >> 16 * which));
  const uint32_t word = kind == tf32 ? bits & 0xffffe000 : which ? bits & 0xffff0000 : bits << 16;
  std::memcpy(&f, &word, 4);
  return f;
}

void compute(Warp& w, Products& all, const Product& p) {
  const Instr& i = *p.instr;
  const Form kind = Form(i.flags & kinds);
  const int K = kind == tf32 ? 8 : 16, N = int(p.slots.size()) * 2;
  alignas(32) static thread_local float A[16][16], B[16][256], C[16][256];
  const float sign_a = i.flags & minus_a ? -1.f : 1.f, sign_b = i.flags & minus_b ? -1.f : 1.f;
  if (i.flags & a_in_registers) {
    for (int r = 0; r < 4; ++r)
      for (int l = 0; l < lanes_of_warp; ++l) {
        const int row = l / 4 + 8 * (r % 2), half_of_k = K / 2 * (r / 2);
        if (kind == tf32)
          A[row][half_of_k + l % 4] = sign_a * number(p.in_registers[r][l], kind, 0);
        else
          for (int e = 0; e < 2; ++e)
            A[row][half_of_k + l % 4 * 2 + e] = sign_a * number(p.in_registers[r][l], kind, e);
      }
  } else {
    read_matrix(w, i, p.a, i.flags & mn_major_a, uint32_t(w.index % 4 * 16), 16,
                [&](uint32_t row, uint32_t k, float v) { A[row][k] = sign_a * v; });
  }
  read_matrix(w, i, p.b, i.flags & mn_major_b, 0, uint32_t(N),
              [&](uint32_t row, uint32_t k, float v) { B[k][row] = sign_b * v; });
  auto each = [&](auto f) {  // f(an accumulator's bits, its number in C)
    for (int j = 0; j < N / 2; ++j)
      for (int l = 0; l < lanes_of_warp; ++l)
        f(all.slots[p.slots[j]].values[l],
          C[l / 4 + 8 * (j / 2 % 2)][8 * (j / 4) + l % 4 * 2 + j % 2]);
  };
  if (p.adds)
    each([](uint32_t bits, float& c) { std::memcpy(&c, &bits, 4); });
  else
    std::memset(C, 0, sizeof C);
  for (int r = 0; r < 16; ++r)
    for (int k = 0; k < K; ++k) {
      const __m256 a = _mm256_set1_ps(A[r][k]);
      for (int n = 0; n < N; n += 8)
        _mm256_store_ps(C[r] + n,
                        _mm256_fmadd_ps(a, _mm256_load_ps(B[k] + n), _mm256_load_ps(C[r] + n)));
    }
  each([](uint32_t& bits, float c) { std::memcpy(&bits, &c, 4); });
}

// Computes all but the last groups, and gives the registers what they wait for.
void finish(Warp& w, int left) {
  Products& p = products_of(w);
  std::vector<char> ready(p.slots.size());
  std::size_t done = 0;
  for (; done < p.all.size() && p.all[done].group < p.group - left; ++done) {
    compute(w, p, p.all[done]);
    for (uint32_t s : p.all[done].slots) ready[s] = 1;
  }
  if (!done) return;
  p.all.erase(p.all.begin(), p.all.begin() + std::ptrdiff_t(done));
  for (auto& still : p.all)
    for (uint32_t s : still.slots) ready[s] = 0;
  p.settled.clear();
  for (uint32_t reg : w.block->program->words) {
    uint32_t* v = w.reg<uint32_t>(reg);
    bool any = false;
    for (int l = 0; l < lanes_of_warp; ++l) {
      const uint32_t s = v[l] - tokens;
      if (s >= ready.size() || !ready[s]) continue;
      v[l] = p.slots[s].values[l];
      any = true;
    }
    if (!any) continue;
    p.settled.emplace_back(reg, Values{});
    std::copy(v, v + lanes_of_warp, p.settled.back().second.begin());
  }
  for (std::size_t s = 0; s < ready.size(); ++s)
    if (ready[s]) p.slots[s].used = false;
  p.fenced = false;
}

// Whether a register still has what the last wait gave it.
bool untouched(const Products& p, uint32_t reg, const uint32_t* now) {
  for (auto& [r, values] : p.settled)
    if (r == reg) return std::equal(values.begin(), values.end(), now);
  return false;
}

void mma_async(Warp& w, const Instr& i) {  // a descriptor or 4 registers; b, adds
  if (!gathered(w, i, all_lanes)) return;
  if (std::size_t(w.index | 3) >= w.block->warps.size())
    fail(w, i, 0, "wgmma needs four warps, of which the first is a multiple of four");
  Products& p = products_of(w);
  const char* unfenced = "no wgmma.fence before wgmma.mma_async";
  if (!p.ever) fail(w, i, 0, unfenced);
  const bool registers = i.flags & a_in_registers;
  Product x{.a = w.reg<uint64_t>(i.r[0])[0],
            .b = w.reg<uint64_t>(i.r[4])[0],
            .in_registers = {},
            .slots = {},
            .adds = (*w.reg<uint32_t>(i.r[5]) & 1) != 0,
            .group = p.group,
            .instr = &i};
  if (registers) {
    if (!p.fenced) fail(w, i, 0, std::string(unfenced) + ", whose A was written since the last");
    for (int r = 0; r < 4; ++r)
      std::copy_n(w.reg<uint32_t>(i.r[r]), lanes_of_warp, x.in_registers[r].begin());
  }
  for (uint32_t reg : w.block->program->lists[std::size_t(i.imm)]) {
    uint32_t* v = w.reg<uint32_t>(reg);
    if (x.adds && p.is_token(v[0])) {
      x.slots.push_back(v[0] - tokens);
      continue;
    }
    if (x.adds && !p.fenced && !untouched(p, reg, v))
      fail(w, i, 0, std::string(unfenced) + ", whose accumulators were written since the last");
    const uint32_t s = p.slot();
    if (s >= most_slots) fail(w, i, 0, "too many accumulators under way");
    std::copy_n(v, lanes_of_warp, p.slots[s].values.begin());
    std::fill_n(v, lanes_of_warp, tokens + s);
    x.slots.push_back(s);
  }
  p.all.push_back(std::move(x));
  if (!late()) {
    ++p.group;
    const bool fenced = p.fenced;
    finish(w, 0);
    p.fenced = fenced;
  }
}
void fence(Warp& w, const Instr& i) {
  if (!gathered(w, i, all_lanes)) return;
  Products& p = products_of(w);
  p.fenced = p.ever = true;
}
void commit(Warp& w, const Instr& i) {
  if (!gathered(w, i, all_lanes)) return;
  ++products_of(w).group;
}
void wait(Warp& w, const Instr& i) {
  if (!gathered(w, i, all_lanes)) return;
  finish(w, int(i.imm));
}

// wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16
uint8_t kind_of(const Statement& s, std::size_t accumulators) {
  const std::pair<const char*, Form> types[] = {{"bf16", brain}, {"f16", half}, {"tf32", tf32}};
  const auto& m = s.modifiers;
  if (m.size() != 8 || m[5] != "f32" || m[6] != m[7]) throw Fault("a form of wgmma");
  for (auto& [name, kind] : types) {
    const std::string shape =
        "m64n" + std::to_string(2 * accumulators) + "k" + (kind == tf32 ? "8" : "16");
    if (m[6] == name && m[4] == shape && accumulators % 4 == 0 && accumulators <= 128) return kind;
  }
  throw Fault("a form of wgmma");
}
void emit_wgmma(Draft& d, const Statement& s) {
  d.program().async = true;
  const auto& what = s.modifiers.at(1);
  if (what == "fence") return void(d.add(fence, {}, {}));
  if (what == "commit_group") return void(d.add(commit, {}, {}));
  if (what == "wait_group") return void(d.add(wait, {}, {}).imm = s.operands[0].value);
  if (what != "mma_async" || !s.guard.empty()) throw Fault("a form of wgmma");
  const auto& o = s.operands;
  std::vector<Draft::Reg> accumulators;
  for (auto& r : o[0].parts) accumulators.push_back(d.result(r, Type::f32));
  uint8_t flags = kind_of(s, accumulators.size());
  const bool registers = o[1].kind == Operand::list;
  const auto none = d.constant(0, 4);
  Draft::Reg a[4] = {none, none, none, none};
  if (registers) {
    flags |= a_in_registers;
    for (std::size_t k = 0; k < 4; ++k) a[k] = d.source(o[1].parts.at(k), Type::b32);
  } else {
    a[0] = d.source(o[1], Type::b64);
  }
  flags |= o.at(4).value < 0 ? minus_a : 0;
  flags |= o.at(5).value < 0 ? minus_b : 0;
  if ((flags & kinds) != tf32) {
    std::size_t next = 6;
    if (!registers && o.at(next++).value) flags |= mn_major_a;
    if (o.at(next).value) flags |= mn_major_b;
  }
  d.add_list(mma_async, std::move(accumulators),
             {a[0], a[1], a[2], a[3], d.source(o[2], Type::b64), d.predicate(o[3])})
      .flags = flags;
}

}  // namespace

void add_wgmma() { emitters()["wgmma"] = emit_wgmma; }

}  // namespace emulator
