// mbarriers. Who waits lets the copies come in that the mbarrier still wants, and not before: so
// bytes that nobody waits for stay NaN.
#include "access.h"
#include "decode.h"

namespace emulator {

bool gathered(Warp&, const Instr&, uint32_t wanted);
bool deliver(Block&, uint32_t mbarrier);
void emit_fence(Draft&, const Statement&);

namespace {

constexpr uint64_t mark = 0x72656972'7261626d;  // what lies in memory where an mbarrier is
constexpr int64_t most = (1 << 20) - 1;         // arrivals, or bytes on their way

struct Found {
  Block* block;
  uint32_t at;
  Mbarrier* mbarrier;
};
Found place(Warp& w, const Instr& i, int lane, int64_t address, bool cluster) {
  char* p = shared_place(w, i, lane, address, 8, 8, cluster);
  Block& b = block_of(w, i, lane, address, cluster);
  return {&b, uint32_t(p - b.shared.data()), nullptr};
}
Found find(Warp& w, const Instr& i, int lane, int64_t address, bool cluster) {
  Found f = place(w, i, lane, address, cluster);
  auto it = f.block->async.mbarriers.find(f.at);
  if (it == f.block->async.mbarriers.end())
    fail(w, i, lane,
         "no mbarrier was made at offset " + std::to_string(f.at) + " of shared memory");
  uint64_t there;
  std::memcpy(&there, f.block->shared.data() + f.at, 8);
  if (there != mark)
    fail(w, i, lane,
         "the mbarrier at offset " + std::to_string(f.at) +
             " of shared memory was overwritten; mbarrier.inval comes first");
  f.mbarrier = &it->second;
  return f;
}
bool in_cluster(const Instr& i) { return i.flags & 1; }

void settle(Mbarrier& m) {
  if (m.pending || m.bytes) return;
  ++m.phase;
  m.pending = m.expected;
}

void init(Warp& w, const Instr& i) {
  for (uint32_t m = w.exec; m; m &= m - 1) {
    const int l = __builtin_ctz(m);
    const Found f = place(w, i, l, w.reg<int64_t>(i.r[0])[l], false);
    const uint32_t count = w.reg<uint32_t>(i.r[1])[l];
    if (!count || count > most)
      fail(w, i, l, "an mbarrier for " + std::to_string(count) + " arrivals");
    auto [it, fresh] = f.block->async.mbarriers.emplace(f.at, Mbarrier{});
    if (!fresh) fail(w, i, l, "there is an mbarrier already; mbarrier.inval comes first");
    it->second.expected = it->second.pending = count;
    it->second.maker = w.index * lanes_of_warp + l;
    std::memcpy(f.block->shared.data() + f.at, &mark, 8);
    clear_written(*f.block, f.block->shared.data() + f.at, 8);
  }
}
void inval(Warp& w, const Instr& i) {
  for (uint32_t m = w.exec; m; m &= m - 1) {
    const int l = __builtin_ctz(m);
    const Found f = find(w, i, l, w.reg<int64_t>(i.r[0])[l], false);
    for (auto& load : f.block->async.loads)
      if (load.mbarrier == f.at) fail(w, i, l, "mbarrier.inval while copies are under way to it");
    f.block->async.mbarriers.erase(f.at);
    std::memset(f.block->shared.data() + f.at, 0xff, 8);
  }
}

enum Form : uint8_t { f_cluster = 1, f_expects = 2, f_drops = 4, f_arrives = 8, f_completes = 16 };

void announce(Warp& w, const Instr& i, int l, Mbarrier& m, int64_t bytes) {
  m.bytes += bytes;
  if (bytes > 0) m.announced = &i;
  if (m.bytes > most || m.bytes < -most)
    fail(w, i, l, "an mbarrier with " + std::to_string(m.bytes) + " bytes on their way");
}
// state; address, number: of arrivals, or of bytes
void update(Warp& w, const Instr& i) {
  for (uint32_t mask = w.exec; mask; mask &= mask - 1) {
    const int l = __builtin_ctz(mask);
    Mbarrier& m = *find(w, i, l, w.reg<int64_t>(i.r[1])[l], in_cluster(i)).mbarrier;
    const uint32_t number = w.reg<uint32_t>(i.r[2])[l];
    if (i.flags & f_expects) announce(w, i, l, m, number);
    if (i.flags & f_completes) announce(w, i, l, m, -int64_t(number));
    w.reg<uint64_t>(i.r[0])[l] = m.phase << 32 | m.pending;
    if (i.flags & f_arrives) {
      const uint32_t count = i.flags & f_expects ? 1 : number;
      if (!count || count > m.pending)
        fail(w, i, l,
             std::to_string(count) + " arrivals at an mbarrier that waits for " +
                 std::to_string(m.pending) + " more in this phase");
      m.pending -= count;
      if (i.flags & f_drops) m.expected -= count;
    }
    settle(m);
  }
}

enum Wait : uint8_t { w_parity = 2, w_blocks = 4 };

bool ended(const Mbarrier& m, const Instr& i, uint64_t of) {
  return i.flags & w_parity ? (m.phase & 1) != (of & 1) : m.phase != of >> 32;
}
// p; address, state or parity. test_wait says no and lets others go on; try_wait waits, as long as
// the block has something to do.
void wait(Warp& w, const Instr& i) {
  uint32_t done = 0;
  for (uint32_t mask = w.exec; mask; mask &= mask - 1) {
    const int l = __builtin_ctz(mask);
    const Found f = find(w, i, l, w.reg<int64_t>(i.r[1])[l], false);
    const uint64_t of =
        i.flags & w_parity ? w.reg<uint32_t>(i.r[2])[l] : w.reg<uint64_t>(i.r[2])[l];
    if ((i.flags & w_parity) && of > 1) fail(w, i, l, "a parity of " + std::to_string(of));
    while (!ended(*f.mbarrier, i, of) && deliver(*f.block, f.at)) {
    }
    if (ended(*f.mbarrier, i, of)) done |= 1u << l;
  }
  if (!done && (i.flags & w_blocks)) {
    w.again = w.polls = true;
    return;
  }
  if (done != w.exec) w.yields = true;
  write_predicate(w, i.r[0], done);
}

void pending_count(Warp& w, const Instr& i) {
  const uint64_t* s = w.reg<uint64_t>(i.r[1]);
  lanes<uint32_t>(w, i.r[0], [&](int l) { return uint32_t(s[l]); });
}

void emit_mbarrier(Draft& d, const Statement& s) {
  const auto& what = s.modifiers.at(1);
  const auto& o = s.operands;
  const bool cluster = s.has("shared::cluster");
  if (what == "init") {
    d.add(init, {}, {whole_address(d, o[0]), d.source(o[1], Type::u32)});
  } else if (what == "inval") {
    d.add(inval, {}, {whole_address(d, o[0])});
  } else if (what == "pending_count") {
    d.add(pending_count, {d.result(o[0], Type::b32)}, {d.source(o[1], Type::b64)});
  } else if (what == "test_wait" || what == "try_wait") {
    const bool parity = s.has("parity");
    d.add(wait, {d.result(o[0], Type::pred)},
          {whole_address(d, o[1]), d.source(o[2], parity ? Type::u32 : Type::b64)})
        .flags = uint8_t((parity ? w_parity : 0) | (what == "try_wait" ? w_blocks : 0));
  } else if (what == "arrive" || what == "arrive_drop" || what == "expect_tx" ||
             what == "complete_tx") {
    const std::size_t first = o[0].kind == Operand::address ? 0 : 1;
    const auto state =
        first && o[0].text != "_" ? d.result(o[0], Type::b64) : d.temporary(Type::b64);
    const auto number = o.size() > first + 1 ? d.source(o[first + 1], Type::u32) : d.constant(1, 4);
    d.add(update, {state}, {whole_address(d, o[first]), number}).flags =
        uint8_t((cluster ? f_cluster : 0) | (s.has("expect_tx") ? f_expects : 0) |
                (what == "arrive_drop" ? f_drops : 0) | (what[0] == 'a' ? f_arrives : 0) |
                (what == "complete_tx" ? f_completes : 0));
  } else {
    throw Fault("a form of mbarrier");
  }
}

// All warps of a group of four change their number of registers.
void setmaxnreg(Warp& w, const Instr& i) {
  if (!gathered(w, i, w.live)) return;
}
void emit_setmaxnreg(Draft& d, const Statement& s) {
  const auto n = s.operands[0].value;
  if (n < 24 || n > 256 || n % 8) throw Fault("setmaxnreg to " + std::to_string(n) + " registers");
  d.add(setmaxnreg, {}, {});
}

}  // namespace

void complete(Block& b, uint32_t mbarrier, uint32_t bytes) {
  Mbarrier& m = b.async.mbarriers.at(mbarrier);
  m.bytes -= bytes;
  settle(m);
}
uint32_t mbarrier_for_copies(Warp& w, const Instr& i, int lane, int64_t address, Block*& owner) {
  const Found f = find(w, i, lane, address, true);
  if (f.mbarrier->maker >= 0)
    fail(w, i, lane,
         "copies do not see the mbarrier yet: no fence.mbarrier_init or fence.proxy.async since "
         "mbarrier.init");
  owner = f.block;
  return f.at;
}

std::string wanted_of_mbarrier(Warp& w, const Instr& i, uint32_t lanes) {
  if (i.run != wait) return "";
  const int l = __builtin_ctz(lanes);
  const Found f = find(w, i, l, w.reg<int64_t>(i.r[1])[l], false);
  const Mbarrier& m = *f.mbarrier;
  std::string text = "mbarrier at offset " + std::to_string(f.at) + ", phase " +
                     std::to_string(m.phase) + ": " + std::to_string(m.pending) + " of " +
                     std::to_string(m.expected) + " arrivals and " + std::to_string(m.bytes) +
                     " bytes are missing";
  if (i.flags & w_parity)
    text += "; waits for parity " + std::to_string(w.reg<uint32_t>(i.r[2])[l]);
  if (m.announced) text += "; bytes announced at " + place_of(*f.block->program, *m.announced);
  return text;
}

void add_mbarrier() {
  auto& e = emitters();
  e["mbarrier"] = emit_mbarrier;
  e["setmaxnreg"] = emit_setmaxnreg;
  e["fence"] = emit_fence;
}

}  // namespace emulator
