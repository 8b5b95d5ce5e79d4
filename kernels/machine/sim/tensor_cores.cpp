// The tensor cores' instructions, simulated: the layouts are those of tensor_cores.h.
#include <cstring>
#include <source_location>
#include <string>

#include "kernels/machine/dtype.h"
#include "kernels/machine/sim/banks.h"
#include "kernels/machine/sim/film.h"
#include "kernels/machine/sim/report.h"
#include "kernels/machine/sim/state.h"

namespace tweed::sim {

using Where = std::source_location;
#define RETURN_ADDRESS __builtin_return_address(0)

// ---- cp.async -----------------------------------------------------------------------------------

namespace {

void check_alignment(const char* what, const void* p, void* pc) {
  if (std::uintptr_t(p) % 16 && wanted(Bug::misaligned, pc))
    add_finding(std::string(what) + " of an address that is no multiple of 16 at @ by " +
                    thread_name(now.block, now.current),
                {pc});
}

enum class Memory { shared, global };
void check_operand(const char* what, const void* p, Access kind, Memory memory, void* pc) {
  if (filming) film_access(what, kind == Access::read ? Act::read : Act::write, p, 16, pc);
  check_alignment(what, p, pc);
  check(p, 16, kind, pc);
  const bool shared = memory == Memory::shared;
  if (in_shared(p) == shared && !in_stacks(p)) return;
  if (wanted(Bug::outside, pc))
    add_finding(std::string(what) + " at @ by " + thread_name(now.block, now.current) +
                    " of an address that is not in " + (shared ? "shared" : "global") + " memory",
                {pc});
  die();
}

}  // namespace

// The copy is made as late as the program allows: when it is waited for. Until then the memory
// holds NaN, and whoever touches it is reported. A thread may end with copies under way, which the
// PTX manual does not forbid: nobody can wait for them any more, so nobody may touch that memory.
void cp_async(void* shared, const void* global, bool wanted) {
  void* pc = RETURN_ADDRESS;
  if (wanted)
    check_operand("cp.async", global, Access::read, Memory::global, pc);
  else
    check_alignment("cp.async", global, pc);
  check_operand("cp.async", shared, Access::copy_issued, Memory::shared, pc);
  if (counting_banks) {
    count_access("cp.async", shared, 16, pc);
    if (wanted) count_access("cp.async", global, 16, pc);
  }
  std::memset(shared, 0xff, 16);
  Thread& t = now.thread();
  t.copies.push_back({shared, wanted ? global : nullptr, 16, t.committed, pc});
}

void cp_async_commit() { ++now.thread().committed; }

void cp_async_wait_for(int groups) {
  if (filming) film_act("cp_async_wait", Act::other, RETURN_ADDRESS);
  Thread& t = now.thread();
  std::size_t kept = 0;
  for (const Copy& copy : t.copies) {
    if (copy.group >= t.committed - groups) {
      t.copies[kept++] = copy;
      continue;
    }
    check(copy.to, copy.bytes, Access::copy_arrived, copy.pc);
    if (copy.from)
      std::memcpy(copy.to, copy.from, copy.bytes);
    else
      std::memset(copy.to, 0, copy.bytes);
  }
  t.copies.resize(kept);
}

// ---- ldmatrix and mma ---------------------------------------------------------------------------

namespace {

constexpr unsigned all_lanes = 0xffffffffu;

Site site_of(const char* what, const Where& where, void* pc) {
  return {what, where.line(), where.column(), pc};
}

// The rows that the lanes name, each read by the lane that names it.
Slots meet_rows(const char* what, const void* row, const Where& where, void* pc) {
  check_operand(what, row, Access::read, Memory::shared, pc);
  if (counting_banks) count_access("ldmatrix", row, 16, pc);
  return meet(all_lanes, {std::uintptr_t(row)}, site_of(what, where, pc));
}
const char* row_of(Slots lanes, int matrix, int row) {
  return reinterpret_cast<const char*>(lanes[8 * matrix + row].low);
}

// What a lane brings to mma, and the elements of both tiles by their place in them.
struct Brought {
  uint32_t a[4], b[2];
};
static_assert(sizeof(Brought) == sizeof(Parcel));

struct Tiles {
  Slots lanes;
  Brought of(int g, int t) const {
    Brought brought;
    std::memcpy(&brought, &lanes[4 * g + t], sizeof brought);
    return brought;
  }
};
struct Bf16Tiles : Tiles {
  static constexpr int depth = 16;
  static float half(uint32_t pair, int i) {
    return bits_float(i ? pair & 0xffff0000u : pair << 16);
  }
  float a(int row, int k) const {
    return half(of(row % 8, k % 8 / 2).a[row / 8 + k / 8 * 2], k % 2);
  }
  float b(int k, int column) const { return half(of(column, k % 8 / 2).b[k / 8], k % 2); }
};
struct Tf32Tiles : Tiles {
  static constexpr int depth = 8;
  // The multiplier does not see the last 13 bits.
  static float cut(uint32_t u) { return bits_float(u & 0xffffe000u); }
  float a(int row, int k) const { return cut(of(row % 8, k % 4).a[row / 8 + k / 4 * 2]); }
  float b(int k, int column) const { return cut(of(column, k % 4).b[k / 4]); }
};

template <class T>
void multiply(float (&sums)[4], const uint32_t (&a)[4], const uint32_t (&b)[2], const Site& site) {
  Brought mine;
  std::memcpy(mine.a, a, sizeof a);
  std::memcpy(mine.b, b, sizeof b);
  Parcel parcel{};
  std::memcpy(&parcel, &mine, sizeof mine);
  film_meeting(site);
  const T tiles{meet(all_lanes, parcel, site)};
  const int g = now.current % 32 / 4, t = now.current % 4;
  for (int i = 0; i < 4; ++i)
    for (int k = 0; k < T::depth; ++k)
      sums[i] += tiles.a(g + i / 2 * 8, k) * tiles.b(k, 2 * t + i % 2);
}

}  // namespace

void ldmatrix(uint32_t (&to)[4], const void* row, Where where) {
  Slots lanes = meet_rows("ldmatrix", row, where, RETURN_ADDRESS);
  const int g = now.current % 32 / 4, t = now.current % 4;
  for (int j = 0; j < 4; ++j) std::memcpy(&to[j], row_of(lanes, j, g) + 4 * t, 4);
}
void ldmatrix_trans(uint32_t (&to)[4], const void* row, Where where) {
  Slots lanes = meet_rows("ldmatrix.trans", row, where, RETURN_ADDRESS);
  const int g = now.current % 32 / 4, t = now.current % 4;
  for (int j = 0; j < 4; ++j) {
    uint16_t pair[2];
    for (int i = 0; i < 2; ++i) std::memcpy(&pair[i], row_of(lanes, j, 2 * t + i) + 2 * g, 2);
    to[j] = pair[0] | uint32_t(pair[1]) << 16;
  }
}
void mma_bf16(float (&sums)[4], const uint32_t (&a)[4], const uint32_t (&b)[2], Where where) {
  multiply<Bf16Tiles>(sums, a, b, site_of("mma", where, RETURN_ADDRESS));
}
void mma_tf32(float (&sums)[4], const uint32_t (&a)[4], const uint32_t (&b)[2], Where where) {
  multiply<Tf32Tiles>(sums, a, b, site_of("mma", where, RETURN_ADDRESS));
}

}  // namespace tweed::sim
