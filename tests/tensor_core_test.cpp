// The instructions of the tensor cores do what NVIDIA's PTX ISA manual, version 9.2, says:
// fragments are loaded and read here by the manual's own formulas, on the host, and whole tiles
// compared with plain loops. On `sim` that tests the twins, on `cuda` the wrappers: so the two
// agree.
#include <array>
#include <bit>
#include <cmath>
#include <functional>
#include <limits>
#include <memory>

#include "tests/catch.h"
#include "tests/kernels/tensor_core_probe.h"
#include "tests/support.h"

namespace tweed {
namespace {

using Ints = std::vector<int32_t>;
using Floats = std::vector<float>;

/// Calls f(machine, device) for each test device that has these instructions.
template <class F>
void on_warps(F f) {
  for (Device device : test_devices()) {
    if (!has_tensor_cores(device)) continue;
    INFO(device.name());
    on<Sim, Cuda>(device, [&](auto& here) { f(here, device); });
  }
}

// ---- the manual's formulas: the row and column of element i of a lane's fragment

struct Place {
  int row, col;
};
struct Lane {
  int groupID, threadID_in_group;
  explicit Lane(int laneid) : groupID(laneid >> 2), threadID_in_group(laneid % 4) {}
};

/// mma.m16n8k16 on bf16: "9.7.14.5.8. Matrix Fragments for mma.m16n8k16 with floating point type".
/// Two elements in a register, the lower one first.
struct Bf16 {
  static constexpr bool on_bf16 = true;
  static constexpr int k = 16, a_count = 8, b_count = 4;
  static Place a(Lane t, int i) {
    return {(0 <= i && i < 2) || (4 <= i && i < 6) ? t.groupID : t.groupID + 8,
            i < 4 ? t.threadID_in_group * 2 + (i & 1) : t.threadID_in_group * 2 + (i & 1) + 8};
  }
  static Place b(Lane t, int i) {
    return {i < 2 ? t.threadID_in_group * 2 + (i & 1) : t.threadID_in_group * 2 + (i & 1) + 8,
            t.groupID};
  }
  static void put(int32_t* registers, int i, float v) {
    registers[i / 2] |= int32_t(uint32_t(store<bf16>(v).bits) << i % 2 * 16);
  }
};

/// mma.m16n8k8 on tf32: "9.7.14.5.7. Matrix Fragments for mma.m16n8k8". An element a register.
struct Tf32 {
  static constexpr bool on_bf16 = false;
  static constexpr int k = 8, a_count = 4, b_count = 2;
  static Place a(Lane t, int i) {
    return {i == 0 || i == 2 ? t.groupID : t.groupID + 8,
            i == 0 || i == 1 ? t.threadID_in_group : t.threadID_in_group + 4};
  }
  static Place b(Lane t, int i) {
    return {i == 0 ? t.threadID_in_group : t.threadID_in_group + 4, t.groupID};
  }
  static void put(int32_t* registers, int i, float v) { registers[i] = std::bit_cast<int32_t>(v); }
};

/// The accumulators, in both sections.
Place c(Lane t, int i) {
  return {i < 2 ? t.groupID : t.groupID + 8, t.threadID_in_group * 2 + (i & 1)};
}

// ---- products of tiles

/// a is 16 x k, b is k x 8, sums is 16 x 8.
using Tile = std::function<float(int row, int col)>;
struct Product {
  Tile a, b, sums;
};

/// Checks sums + a b of all the products, whose numbers must be exact in every type.
template <class T>
void check_products(const std::vector<Product>& products) {
  Ints a, b;
  Floats sums, wanted;
  for (const Product& p : products)
    for (int laneid = 0; laneid < 32; ++laneid) {
      const Lane lane(laneid);
      int32_t registers[4] = {}, others[2] = {};
      for (int i = 0; i < T::a_count; ++i) {
        const Place at = T::a(lane, i);
        T::put(registers, i, p.a(at.row, at.col));
      }
      for (int i = 0; i < T::b_count; ++i) {
        const Place at = T::b(lane, i);
        T::put(others, i, p.b(at.row, at.col));
      }
      a.insert(a.end(), registers, registers + 4);
      b.insert(b.end(), others, others + 2);
      for (int i = 0; i < 4; ++i) {
        const Place at = c(lane, i);
        float sum = p.sums(at.row, at.col);
        sums.push_back(sum);
        for (int k = 0; k < T::k; ++k) sum += p.a(at.row, k) * p.b(k, at.col);
        wanted.push_back(sum);
      }
    }
  on_warps([&](auto& here, Device device) {
    const Tensor ta = Tensor::from(a, {int64_t(a.size())}, device);
    const Tensor tb = Tensor::from(b, {int64_t(b.size())}, device);
    const Tensor out = Tensor::from(sums, {int64_t(sums.size())}, device);
    probe_mma(here, T::on_bf16, ta.read<int32_t>(), tb.read<int32_t>(), out.write<float>());
    CHECK(out.to_vector<float>() == wanted);
  });
}

float numbered(int row, int col) { return float(row * 8 + col + 1); }  // up to 128: 8 bits
float nothing(int, int) { return 0; }
Tile one_at(int row, int col) {
  return [=](int r, int c) { return r == row && c == col ? 1.f : 0.f; };
}

}  // namespace

TEMPLATE_TEST_CASE("each element of a factor has its place", "[tensor_core]", Bf16, Tf32) {
  std::vector<Product> products;
  // A 1 at (i, k) of a copies row k of b to row i; at (k, j) of b, column k of a to column j.
  for (int k = 0; k < TestType::k; ++k) {
    for (int i = 0; i < 16; ++i) products.push_back({one_at(i, k), numbered, nothing});
    for (int j = 0; j < 8; ++j)
      products.push_back({[](int r, int c) { return float(r * 8 + c % 8 + 1 + c / 8 * 128); },
                          one_at(k, j), [](int r, int c) { return -numbered(r, c); }});
  }
  check_products<TestType>(products);
}

TEMPLATE_TEST_CASE("products of whole tiles", "[tensor_core]", Bf16, Tf32) {
  const auto whole = [](uint64_t seed) {
    const auto values = std::make_shared<std::vector<double>>(
        random_tensor({256}, DType::float32, {}, seed, -9, 9).to_doubles());
    return [=](int r, int c) { return float(std::round((*values)[std::size_t(r * 16 + c)])); };
  };
  std::vector<Product> products;
  for (uint64_t i = 0; i < 10; ++i)
    products.push_back({whole(3 * i), whole(3 * i + 1), whole(3 * i + 2)});
  check_products<TestType>(products);
}

// "9.7.14.5.15. Warp-level matrix load instruction: ldmatrix": lanes 8j to 8j + 7 give the
// addresses of the rows of matrix j. A lane's fragment of a row: the elements at threadID_in_group
// * 2 and after it of row groupID; with .trans the matrix is read in column-major order.
TEST_CASE("ldmatrix spreads rows over the lanes", "[tensor_core]") {
  Ints tile(128), rows(32), straight, trans;
  for (int i = 0; i < 128; ++i) tile[std::size_t(i)] = (2 * i + 1) << 16 | 2 * i;
  for (int lane = 0; lane < 32; ++lane) rows[std::size_t(lane)] = (lane * 11 + 5) % 32;
  // The tile's element number e is e.
  auto element = [&](int matrix, int row, int col) {
    return rows[std::size_t(8 * matrix + row)] * 8 + col;
  };
  for (int laneid = 0; laneid < 32; ++laneid)
    for (int j = 0; j < 4; ++j) {
      const Lane t(laneid);
      const int at = t.threadID_in_group * 2;
      straight.push_back(element(j, t.groupID, at) | element(j, t.groupID, at + 1) << 16);
      trans.push_back(element(j, at, t.groupID) | element(j, at + 1, t.groupID) << 16);
    }
  on_warps([&](auto& here, Device device) {
    const Tensor t = Tensor::from(tile, {128}, device), r = Tensor::from(rows, {32}, device);
    const Tensor to = Tensor::empty({128}, DType::int32, device);
    for (bool transposed : {false, true}) {
      probe_ldmatrix(here, transposed, t.read<int32_t>(), r.read<int32_t>(), to.write<int32_t>());
      CHECK(to.to_vector<int32_t>() == (transposed ? trans : straight));
    }
  });
}

namespace {

Floats counted(std::size_t n) {
  Floats values(n);
  for (std::size_t i = 0; i < n; ++i) values[i] = float(i + 1);
  return values;
}

}  // namespace

// "9.7.9.25.3.1. cp.async": bytes beyond src-size are zeros.
TEST_CASE("cp.async fills with zeros what is not wanted", "[tensor_core]") {
  const Floats x = counted(128);
  Ints wanted(32);
  Floats y = x;
  for (std::size_t lane = 0; lane < 32; ++lane) {
    wanted[lane] = lane % 3 == 0;
    if (!wanted[lane]) std::fill_n(y.begin() + int64_t(4 * lane), 4, 0.f);
  }
  on_warps([&](auto& here, Device device) {
    const Tensor from = Tensor::from(x, {128}, device), w = Tensor::from(wanted, {32}, device);
    const Tensor to = Tensor::full({128}, -1, DType::float32, device);
    probe_cp_async(here, from.read<float>(), w.read<int32_t>(), to.write<float>());
    CHECK(to.to_vector<float>() == y);
  });
}

// "9.7.9.25.3.2. cp.async.commit_group" and "9.7.9.25.3.3. cp.async.wait_group": all groups but the
// last N have arrived; a group may be empty, and counts.
TEST_CASE("cp.async.wait_group waits for all groups but the last", "[tensor_core]") {
  const Floats x = counted(512);
  on_warps([&](auto& here, Device device) {
    for (int empty = 0; empty < 3; ++empty)
      for (int pending = 0; pending < 4; ++pending) {
        INFO(empty << " empty groups, " << pending << " pending");
        const int arrived = std::min(4, 4 + empty - pending);
        const auto probe = [&](int count) {
          const Tensor from = Tensor::from(x, {512}, device);
          const Tensor to = Tensor::zeros({512}, DType::float32, device);
          probe_groups(here, empty, pending, count, from.read<float>(), to.write<float>());
          return to.to_vector<float>();
        };
        Floats wanted = x;
        std::fill(wanted.begin() + 128 * arrived, wanted.end(), 0.f);
        CHECK(probe(arrived) == wanted);
#ifndef __SANITIZE_ADDRESS__  // which leaves the simulator's checks out
        if (arrived < 4 && device.kind() == Device::Kind::sim)
          CHECK_THROWS_AS(probe(arrived + 1), SimulatorError);
#endif
      }
  });
}

// "9.7.9.21. cvt": .rna rounds to nearest, ties away from zero.
TEST_CASE("to_tf32 rounds to 10 bits of fraction, ties away from zero", "[tensor_core]") {
  const std::vector<std::array<uint32_t, 2>> cases = {
      {0x00000000, 0x00000000}, {0x80000000, 0x80000000},  // zeros
      {0x3f800000, 0x3f800000}, {0x3f802000, 0x3f802000},  // numbers of 10 bits stay
      {0x3f800fff, 0x3f800000}, {0xbf800fff, 0xbf800000},  // just below a tie
      {0x3f801000, 0x3f802000}, {0xbf801000, 0xbf802000},  // a tie between 1 and the next
      {0x3f803000, 0x3f804000}, {0xbf803000, 0xbf804000},  // a tie above an odd one
      {0x3f801001, 0x3f802000}, {0x3fffffff, 0x40000000},  // above a tie; into the next binade
      {0x00001000, 0x00002000}, {0x00000fff, 0x00000000},  // subnormals
      {0x007ff000, 0x00800000},                            // and from them to the smallest normal
      {0x7f7fe000, 0x7f7fe000}, {0x7f7fefff, 0x7f7fe000},  // the largest, and what rounds to it
      {0x7f7ff000, 0x7f800000}, {0xff7fffff, 0xff800000},  // overflow
      {0x7f800000, 0x7f800000}, {0xff800000, 0xff800000},  // infinities
  };
  Floats x;
  Ints wanted;
  for (const auto& [from, to] : cases) {
    x.push_back(std::bit_cast<float>(from));
    wanted.push_back(int32_t(to));
  }
  x.push_back(std::numeric_limits<float>::quiet_NaN());
  on_warps([&](auto& here, Device device) {
    const int64_t n = int64_t(x.size());
    const Tensor from = Tensor::from(x, {n}, device);
    const Tensor to = Tensor::empty({n}, DType::int32, device);
    probe_to_tf32(here, from.read<float>(), to.write<int32_t>());
    Ints got = to.to_vector<int32_t>();
    CHECK(std::isnan(std::bit_cast<float>(got.back())));
    got.pop_back();
    CHECK(got == wanted);
  });
}

}  // namespace tweed
