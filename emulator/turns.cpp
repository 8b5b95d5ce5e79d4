// The warps of a cluster's blocks in turn, each until it ends or waits. Where none can go on, the
// kernel would hang: who waits for what is named.
#include <cstdio>

#include "warp.h"

namespace emulator {

bool pass_barriers(Block&);
/// What an instruction that waits at an mbarrier waits for; empty for other instructions.
std::string wanted_of_mbarrier(Warp&, const Instr&, uint32_t lanes);
void finish_copies(Block&);

namespace {

constexpr int most_polls = 100000;  // turns in which nobody does more than ask an mbarrier

std::string mask(uint32_t lanes) {
  char text[16];
  std::snprintf(text, sizeof text, "%08x", lanes);
  return text;
}
std::string waits(Warp& w, const Warp::Group& g) {
  const Program& p = *w.block->program;
  const std::string what = wanted_of_mbarrier(w, p.code[g.pc], g.lanes);
  return "\n    block " + triple(w.block->index.x, w.block->index.y, w.block->index.z) + ", warp " +
         std::to_string(w.index) + ", lanes of mask " + mask(g.lanes) + " wait at " +
         place_of(p, p.code[g.pc]) + (what.empty() ? "" : ": " + what);
}

[[noreturn]] void hangs(Cluster& c) {
  std::string all;
  Warp* first = nullptr;
  int at = -1, shown = 0;
  bool different = false, only_barriers = true;
  for (Block* b : c.blocks)
    for (auto& w : b->warps) {
      if (!w.live) continue;
      const Warp::Group& g = w.parked.at(0);
      if (w.parked.size() > 1 || (w.at < 0 && !g.polls)) {
        bool any_polls = false;
        for (auto& o : w.parked) any_polls |= o.polls;
        if (!any_polls) {
          std::string others;
          for (auto& o : w.parked) others += waits(w, o);
          fail(w, b->program->code[g.pc], __builtin_ctz(g.lanes),
               "lanes of a warp wait for each other at different places" + others);
        }
      }
      only_barriers &= w.at >= 0;
      different |= at >= 0 && w.at >= 0 && w.at != at;
      at = w.at;
      // Who waits at an mbarrier is named first: others wait for it.
      if (!first || (first->at >= 0 && w.at < 0)) first = &w;
      if (++shown <= 12)
        for (auto& o : w.parked) all += waits(w, o);
    }
  const Warp::Group* g = &first->parked.at(0);
  for (auto& o : first->parked)
    if (o.polls) g = &o;
  fail(*first, first->block->program->code[g->pc], __builtin_ctz(g->lanes),
       (only_barriers && different ? "warps wait at different barriers"
                                   : "the kernel hangs: no thread can go on") +
           all);
}

}  // namespace

void take_turns(Cluster& c) {
  const std::size_t blocks = c.blocks.size();
  for (int polls = 0;;) {
    bool moved = false, live = false, yielded = false;
    for (std::size_t n = 0; n < blocks; ++n) {
      Block& b = *c.blocks[modes().backwards ? blocks - 1 - n : n];
      const std::size_t warps = b.warps.size();
      for (std::size_t k = 0; k < warps; ++k) {
        Warp& w = b.warps[modes().backwards ? warps - 1 - k : k];
        if (!w.live || w.at >= 0) continue;
        moved |= step(w);
        yielded |= w.yielded;
        live = true;
      }
    }
    for (Block* b : c.blocks) {
      moved |= pass_barriers(*b);
      for (auto& w : b->warps) live |= w.live != 0;
    }
    if (!live) break;
    polls = moved ? 0 : polls + 1;
    if (polls > most_polls || (!moved && !yielded)) hangs(c);
  }
  for (Block* b : c.blocks) finish_copies(*b);
}

}  // namespace emulator
