// cp.async.bulk: copies of many bytes, whole tiles of tensors among them, that need no threads.
// Into shared memory they come when somebody waits for their mbarrier, with NaN in their place
// before; out of it they are read when their group is waited for.
#include <algorithm>
#include <cstring>

#include "access.h"
#include "decode.h"
#include "tensormap.h"

namespace emulator {

bool gathered(Warp&, const Instr&, uint32_t wanted);
void complete(Block&, uint32_t mbarrier, uint32_t bytes);
uint32_t mbarrier_for_copies(Warp&, const Instr&, int lane, int64_t address, Block*& owner);

namespace {

void move(const Load& c) {
  for (auto& p : c.pieces) {
    if (p.from) {
      std::memcpy(p.to, p.from, p.bytes);
      continue;
    }
    for (uint32_t k = 0; k < p.bytes; k += 8)
      std::memcpy(p.to + k, &c.fill, std::min<uint32_t>(8, p.bytes - k));
  }
}
void move_to_global(Store& s, bool only_read) {
  if (!s.read)
    for (auto& p : s.pieces) s.data.insert(s.data.end(), p.from, p.from + p.bytes);
  s.read = true;
  if (only_read) return;
  const char* from = s.data.data();
  for (auto& p : s.pieces) {
    std::memcpy(p.to, from, p.bytes);
    from += p.bytes;
  }
}

// A copy into [to, to + bytes) of a block's shared memory begins.
void begin(Warp& w, const Instr& i, int lane, Block& into, char* to, Load load) {
  check_fenced(w, i, lane, into, to, load.bytes);
  clear_written(into, to, load.bytes);
  load.instr = &i;
  if (late()) {
    std::memset(to, 0xff, load.bytes);
    into.async.loads.push_back(std::move(load));
  } else {
    move(load);
    complete(into, load.mbarrier, load.bytes);
  }
}

void begin(Warp& w, Store s) {
  if (late())
    w.stores.push_back(std::move(s));
  else
    move_to_global(s, false);
}

// The same for every block that a mask names, at the same places.
template <class F>
void each_block(Warp& w, const Instr& i, int lane, bool many, uint32_t mask, Block* own, F f) {
  if (!many) return f(*own);
  const auto& blocks = w.block->cluster->blocks;
  if (!mask || mask >> blocks.size())
    fail(w, i, lane, "a copy to blocks that the cluster does not have");
  for (uint32_t rank = 0; rank < blocks.size(); ++rank)
    if (mask >> rank & 1) f(*blocks[rank]);
}

enum Flags : uint8_t { dims = 7, is_im2col = 8, many_blocks = 16, from_shared = 32 };

uint32_t size_of_copy(Warp& w, const Instr& i, int lane, uint32_t reg) {
  const uint32_t bytes = w.reg<uint32_t>(reg)[lane];
  if (bytes % 16) fail(w, i, lane, "cp.async.bulk of " + std::to_string(bytes) + " bytes");
  return bytes;
}

void load(Warp& w, const Instr& i) {  // to, from, bytes, mbarrier, blocks
  for (uint32_t m = w.exec; m; m &= m - 1) {
    const int l = __builtin_ctz(m);
    const uint32_t bytes = size_of_copy(w, i, l, i.r[2]);
    if (!bytes) continue;
    int64_t to = w.reg<int64_t>(i.r[0])[l];
    const int64_t from = w.reg<int64_t>(i.r[1])[l];
    shared_place(w, i, l, to, bytes, 16, true);
    const Block& named = block_of(w, i, l, to, true);
    Block* owner;
    const uint32_t mbarrier = mbarrier_for_copies(w, i, l, w.reg<int64_t>(i.r[3])[l], owner);
    if (owner != &named) fail(w, i, l, "a copy to a block other than its mbarrier's");
    const char* source;
    if (i.flags & from_shared) {
      source = shared_place(w, i, l, from, bytes, 16);
      check_fenced(w, i, l, *w.block, source, bytes);
    } else {
      source = global_place(w, i, l, from, bytes, 16, Access::reads);
    }
    each_block(w, i, l, i.flags & many_blocks, w.reg<uint16_t>(i.r[4])[l], owner, [&](Block& b) {
      char* place = b.shared.data() + to;
      begin(w, i, l, b, place, {{{place, source, bytes}}, mbarrier, bytes});
    });
  }
}

void store(Warp& w, const Instr& i) {  // to, from, bytes
  for (uint32_t m = w.exec; m; m &= m - 1) {
    const int l = __builtin_ctz(m);
    const uint32_t bytes = size_of_copy(w, i, l, i.r[2]);
    if (!bytes) continue;
    const char* from = shared_place(w, i, l, w.reg<int64_t>(i.r[1])[l], bytes, 16);
    check_fenced(w, i, l, *w.block, from, bytes);
    char* to = global_place(w, i, l, w.reg<int64_t>(i.r[0])[l], bytes, 16, Access::writes);
    begin(w, {l, w.bulk_groups[l], {{to, from, bytes}}, false, {}, &i});
  }
}

// ---- tiles of tensors --------------------------------------------------------------------------

TensorMap map_at(Warp& w, const Instr& i, int lane, int64_t address) {
  const auto u = uint64_t(address);
  if (u >= local_window && u < shared_window + window_bytes)
    fail(w, i, lane,
         "the tensor map is in the thread's or the block's own memory: a parameter must be "
         "__grid_constant__");
  TensorMap m;
  char bytes[128];
  for (int half = 0; half < 2; ++half)
    std::memcpy(bytes + 64 * half, generic_place(w, i, lane, address + 64 * half, 64), 64);
  std::memcpy(&m, bytes, sizeof m);
  if (m.is != TensorMap::sign) fail(w, i, lane, "there is no tensor map at that address");
  return m;
}

struct Tile {
  TensorMap map;
  std::vector<Run> runs;
  uint32_t bytes;
};
Tile tile_of(Warp& w, const Instr& i, int lane, uint32_t map, const uint32_t* coordinates,
             const uint32_t* offsets) {
  Tile t;
  t.map = map_at(w, i, lane, w.reg<int64_t>(map)[lane]);
  if (t.map.rank != (i.flags & dims))
    fail(w, i, lane, "the tensor map has " + std::to_string(t.map.rank) + " dimensions");
  if (t.map.im2col != bool(i.flags & is_im2col))
    fail(w, i, lane, t.map.im2col ? "the tensor map is for im2col" : "the tensor map is for tiles");
  if (t.map.swizzle && bytes_of_row(t.map) != 16u << t.map.swizzle)
    fail(w, i, lane,
         "rows of " + std::to_string(bytes_of_row(t.map)) +
             " bytes in a wider swizzle, which the emulator does not know");
  int32_t c[5] = {};
  uint16_t o[3] = {};
  for (int d = 0; d < t.map.rank; ++d) c[d] = w.reg<int32_t>(coordinates[d])[lane];
  if (offsets)
    for (int d = 0; d < t.map.rank - 2; ++d) {
      o[d] = w.reg<uint16_t>(offsets[d])[lane];
      const uint32_t most = t.map.rank == 3 ? 65535 : t.map.rank == 4 ? 255 : 31;
      if (o[d] > most)
        fail(w, i, lane,
             "an offset of " + std::to_string(o[d]) + " pixels, more than " + std::to_string(most));
    }
  t.runs = tile(t.map, c, o);
  t.bytes = bytes_of_tile(t.map);
  return t;
}

// f(shared place, global place or null, bytes) for what lies together on both sides.
template <class F>
void each_piece(Warp& w, const Instr& i, int lane, const Tile& t, char* shared, uint32_t offset,
                Access access, F f) {
  for (auto& r : t.runs) {
    char* global =
        r.address ? global_place(w, i, lane, int64_t(r.address), r.bytes, t.map.element, access)
                  : nullptr;
    if (!t.map.swizzle) {
      f(shared + offset + r.offset, global, r.bytes);
      continue;
    }
    for (uint32_t k = 0; k < r.bytes;) {
      const uint32_t at = offset + r.offset + k, n = std::min(r.bytes - k, 16 - at % 16);
      f(shared + swizzled(at, t.map.swizzle), global ? global + k : nullptr, n);
      k += n;
    }
  }
}

uint64_t fill_of(const TensorMap& m) {
  if (!m.nan) return 0;
  return m.element == 2   ? 0x7fff'7fff'7fff'7fff
         : m.element == 4 ? 0x7fff'ffff'7fff'ffff
                          : 0x7fff'ffff'ffff'ffff;
}

void load_tile(Warp& w, const Instr& i) {  // to, map, 5 coordinates, mbarrier, 3 offsets, blocks
  for (uint32_t m = w.exec; m; m &= m - 1) {
    const int l = __builtin_ctz(m);
    int64_t to = w.reg<int64_t>(i.r[0])[l];
    const Tile t = tile_of(w, i, l, i.r[1], i.r + 2, i.flags & is_im2col ? i.r + 8 : nullptr);
    shared_place(w, i, l, to, t.bytes, 128, true);
    const Block& named = block_of(w, i, l, to, true);
    Block* owner;
    const uint32_t mbarrier = mbarrier_for_copies(w, i, l, w.reg<int64_t>(i.r[7])[l], owner);
    if (owner != &named) fail(w, i, l, "a copy to a block other than its mbarrier's");
    each_block(w, i, l, i.flags & many_blocks, w.reg<uint16_t>(i.r[11])[l], owner, [&](Block& b) {
      Load c{{}, mbarrier, t.bytes, fill_of(t.map)};
      each_piece(w, i, l, t, b.shared.data(), uint32_t(to), Access::reads,
                 [&](char* place, const char* from, uint32_t n) {
                   c.pieces.push_back({place, from, n});
                 });
      begin(w, i, l, b, b.shared.data() + to, std::move(c));
    });
  }
}

void store_tile(Warp& w, const Instr& i) {  // from, map, 5 coordinates
  for (uint32_t m = w.exec; m; m &= m - 1) {
    const int l = __builtin_ctz(m);
    const Tile t = tile_of(w, i, l, i.r[1], i.r + 2, nullptr);
    const char* from = shared_place(w, i, l, w.reg<int64_t>(i.r[0])[l], t.bytes, 128);
    check_fenced(w, i, l, *w.block, from, t.bytes);
    Store s{l, w.bulk_groups[l], {}, false, {}, &i};
    char* shared = w.block->shared.data();
    each_piece(w, i, l, t, shared, uint32_t(from - shared), Access::writes,
               [&](char* place, char* global, uint32_t n) {
                 if (global) s.pieces.push_back({global, place, n});
               });
    begin(w, std::move(s));
  }
}

// ---- groups ------------------------------------------------------------------------------------

void commit(Warp& w, const Instr&) {
  for (uint32_t m = w.exec; m; m &= m - 1) ++w.bulk_groups[__builtin_ctz(m)];
}
void wait_group(Warp& w, const Instr& i) {  // all but the last imm
  const bool only_read = i.flags;
  auto due = [&](const Store& s) {
    return (w.exec >> s.lane & 1) && s.group < w.bulk_groups[s.lane] - int(i.imm);
  };
  for (auto& s : w.stores)
    if (due(s)) move_to_global(s, only_read);
  if (!only_read) std::erase_if(w.stores, due);
}
void nothing(Warp&, const Instr&) {}

void emit_tensor(Draft& d, const Statement& s, bool to_shared) {
  const auto& o = s.operands;
  const Operand& where = o[to_shared ? 1 : 0];
  const auto count = where.parts.size();
  const bool columns = s.has("im2col"), many = s.has("multicast::cluster");
  if (count < 1 || count > 5 || s.modifiers[4] != std::to_string(count) + "d" ||
      s.has("im2col::w") || s.has("im2col::w::128") || s.has("tile::gather4") ||
      s.has("cta_group::1") || s.has("cta_group::2"))
    throw Fault("a form of cp.async.bulk.tensor");
  Operand map = where;
  map.parts.clear();
  const auto at = whole_address(d, map), shared = whole_address(d, o[to_shared ? 0 : 1]),
             zero = d.constant(0, 4), none = d.constant(0, 2);
  Draft::Reg c[5] = {zero, zero, zero, zero, zero}, off[3] = {none, none, none}, mask = none;
  for (std::size_t k = 0; k < count; ++k) c[k] = d.source(where.parts[k], Type::b32);
  const auto flags = uint8_t(count | (columns ? is_im2col : 0) | (many ? many_blocks : 0));
  if (!to_shared) {
    if (columns || s.has("im2col_no_offs")) throw Fault("a store of im2col");
    d.add(store_tile, {}, {shared, at, c[0], c[1], c[2], c[3], c[4]}).flags = flags;
    return;
  }
  std::size_t next = 3;
  if (columns) {
    const auto& parts = o.at(next++).parts;
    if (parts.size() + 2 != count) throw Fault("so many offsets of im2col");
    for (std::size_t k = 0; k < parts.size(); ++k) off[k] = d.source(parts[k], Type::b16);
  }
  if (many) mask = d.source(o.at(next), Type::b16);
  const auto mbarrier = whole_address(d, o[2]);
  d.add(load_tile, {},
        {shared, at, c[0], c[1], c[2], c[3], c[4], mbarrier, off[0], off[1], off[2], mask})
      .flags = flags;
}

}  // namespace

bool deliver(Block& b, uint32_t mbarrier) {
  for (auto c = b.async.loads.begin(); c != b.async.loads.end(); ++c) {
    if (c->mbarrier != mbarrier) continue;
    move(*c);
    const uint32_t bytes = c->bytes;
    b.async.loads.erase(c);
    complete(b, mbarrier, bytes);
    return true;
  }
  return false;
}

void finish_copies(Block& b) {
  if (!b.async.loads.empty())
    fail(b.warps[0], *b.async.loads[0].instr, 0,
         "the block has ended before a copy to its shared memory was waited for");
  for (auto& w : b.warps)
    for (auto& s : w.stores) {
      if (!s.read)
        fail(w, *s.instr, s.lane,
             "the block has ended before cp.async.bulk has read its shared memory: no "
             "cp.async.bulk.wait_group for it");
      move_to_global(s, false);
    }
}

void emit_bulk(Draft& d, const Statement& s) {
  if (s.has("commit_group")) return void(d.add(commit, {}, {}));
  if (s.has("wait_group")) {
    Instr& x = d.add(wait_group, {}, {});
    x.imm = s.operands[0].value;
    x.flags = s.has("read");
    return;
  }
  if (s.has("prefetch")) return void(d.add(nothing, {}, {}));
  d.program().async = true;
  // cp.async.bulk[.tensor.2d].to.from...
  std::vector<std::string> spaces;
  for (auto& m : s.modifiers)
    if (m == "global" || m.starts_with("shared::")) spaces.push_back(m);
  if (spaces.size() != 2) throw Fault("a form of cp.async.bulk");
  const bool to_shared = spaces[0] != "global";
  if (s.has("tensor")) return emit_tensor(d, s, to_shared);
  const auto& o = s.operands;
  const auto to = whole_address(d, o[0]), from = whole_address(d, o[1]),
             bytes = d.source(o[2], Type::u32);
  if (!to_shared) {
    if (s.has("cp_mask")) throw Fault("a form of cp.async.bulk");
    d.add(store, {}, {to, from, bytes});
    return;
  }
  const bool many = s.has("multicast::cluster");
  const auto mbarrier = whole_address(d, o.at(3)),
             mask = many ? d.source(o.at(4), Type::b16) : d.constant(0, 2);
  d.add(load, {}, {to, from, bytes, mbarrier, mask}).flags =
      uint8_t((many ? many_blocks : 0) | (spaces[1] != "global" ? from_shared : 0));
}

}  // namespace emulator
