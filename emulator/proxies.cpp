// Copies and products that work beside the threads, the "async proxy", see what ordinary
// instructions wrote to shared memory only after a fence.proxy.async of the thread that wrote it.
#include <algorithm>

#include "access.h"
#include "decode.h"

namespace emulator {

static bool shared_offset(const Block& b, const char* place, std::size_t& offset) {
  if (place < b.shared.data() || place >= b.shared.data() + b.shared_bytes) return false;
  offset = std::size_t(place - b.shared.data());
  return true;
}

void note_written(Warp& w, const Instr& i, int lane, const char* place, int bytes) {
  Block& b = *w.block;
  std::size_t at;
  if (!shared_offset(b, place, at)) return;
  const Written now{
      uint16_t(w.index * lanes_of_warp + lane + 1),
      uint16_t(std::min<std::ptrdiff_t>(&i - b.program->code.data(), 0xffff)),
      w.fences[lane],
  };
  for (std::size_t word = at / 4; word <= (at + std::size_t(bytes) - 1) / 4; ++word)
    b.async.written[word] = now;
}

void check_fenced(Warp& w, const Instr& i, int lane, Block& b, const char* place, uint32_t bytes) {
  std::size_t at;
  if (!bytes || !b.async.used || !shared_offset(b, place, at)) return;
  for (std::size_t word = at / 4; word <= (at + bytes - 1) / 4; ++word) {
    const Written& by = b.async.written[word];
    if (!by.thread) continue;
    const int thread = by.thread - 1;
    if (b.warps[std::size_t(thread / lanes_of_warp)].fences[thread % lanes_of_warp] > by.fences)
      continue;
    fail(w, i, lane,
         "shared memory at offset " + std::to_string(4 * word) + " was written by thread " +
             std::to_string(thread) + " at " + place_of(*b.program, b.program->code[by.instr]) +
             ", with no fence.proxy.async of that thread since");
  }
}

void clear_written(Block& b, const char* place, uint32_t bytes) {
  std::size_t at;
  if (!bytes || !b.async.used || !shared_offset(b, place, at)) return;
  std::fill(b.async.written.begin() + std::ptrdiff_t(at / 4),
            b.async.written.begin() + std::ptrdiff_t((at + bytes - 1) / 4 + 1), Written{});
}

namespace {

// Copies may use the mbarriers that these lanes have made.
void show_mbarriers(Warp& w) {
  for (auto& [at, m] : w.block->async.mbarriers)
    if (m.maker >= 0 && m.maker / lanes_of_warp == w.index &&
        (w.exec >> m.maker % lanes_of_warp & 1))
      m.maker = -1;
}
void fence_proxy(Warp& w, const Instr&) {
  for (uint32_t m = w.exec; m; m &= m - 1) ++w.fences[__builtin_ctz(m)];
  show_mbarriers(w);
}
void fence_mbarriers(Warp& w, const Instr&) { show_mbarriers(w); }
void nothing(Warp&, const Instr&) {}

}  // namespace

void emit_fence(Draft& d, const Statement& s) {
  const bool shared = !s.has("global") && !s.has("tensormap::generic");
  d.add(s.has("proxy") && s.has("async") && shared ? fence_proxy
        : s.has("mbarrier_init")                   ? fence_mbarriers
                                                   : nothing,
        {}, {});
}

}  // namespace emulator
