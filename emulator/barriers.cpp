// The barriers of a block, "bar.sync 3, 64" and its like, and the barrier of a cluster.
#include "decode.h"

namespace emulator {

bool gathered(Warp&, const Instr&, uint32_t wanted);

namespace {

// The barrier and the number of threads that an instruction names, as its first lane has them.
struct Named {
  uint32_t id, count;
};
Named named(Warp& w, const Instr& i) {
  const int l = __builtin_ctz(w.exec);
  const Named n{w.reg<uint32_t>(i.r[0])[l], w.reg<uint32_t>(i.r[1])[l]};
  if (n.id >= named_barriers) fail(w, i, l, "barrier " + std::to_string(n.id) + " of 16");
  if (n.count % lanes_of_warp)
    fail(w, i, l,
         "a barrier for " + std::to_string(n.count) + " threads, which are no whole warps");
  return n;
}

// Lets the warps go on that wait at a barrier, if all are there whom it waits for.
bool pass(Block& b, uint32_t id) {
  NamedBarrier& n = b.named[id];
  uint32_t threads = n.arrived, count = n.count, live = 0;
  Warp* first = nullptr;
  for (auto& w : b.warps) {
    live += w.live ? lanes_of_warp : 0;
    if (w.at != int(id)) continue;
    threads += lanes_of_warp;
    const Instr& i = b.program->code[w.parked.at(0).pc];
    if (first || n.arrived)
      if (w.at_count != count)
        fail(w, i, 0,
             "barrier " + std::to_string(id) + " for " + std::to_string(w.at_count) +
                 " threads, where others come to it for " + std::to_string(count));
    if (!first) first = &w;
    count = w.at_count;
  }
  if (!threads || (count && threads < count) || (!count && threads < live)) return false;
  if (count && threads > count && first)
    fail(*first, b.program->code[first->parked.at(0).pc], 0,
         std::to_string(threads) + " threads at barrier " + std::to_string(id) +
             ", which waits for " + std::to_string(count));
  n = {};
  for (auto& w : b.warps) {
    if (w.at != int(id)) continue;
    w.pc = w.parked[0].pc + 1;
    w.active = w.parked[0].lanes;
    w.met = modes().apart;
    w.parked.clear();
    w.at = -1;
  }
  return true;
}

// Ends the warp's turn; take_turns() lets it go on when all are there.
void sync(Warp& w, const Instr& i) {
  if (!gathered(w, i, w.live)) return;
  const Named n = named(w, i);
  w.met = false;
  w.again = true;
  w.at = int(n.id);
  w.at_count = n.count;
}
void arrive(Warp& w, const Instr& i) {
  if (!gathered(w, i, w.live)) return;
  const Named to = named(w, i);
  NamedBarrier& n = w.block->named[to.id];
  if (n.arrived && n.count != to.count)
    fail(w, i, 0, "barrier " + std::to_string(to.id) + " for another number of threads");
  n.arrived += lanes_of_warp;
  n.count = to.count;
  if (n.arrived > n.count)
    fail(w, i, 0, "more threads at barrier " + std::to_string(to.id) + " than it waits for");
  pass(*w.block, to.id);
}

// ---- clusters ----------------------------------------------------------------------------------

bool all_arrived(const Cluster& c) {
  for (const Block* b : c.blocks)
    for (auto& w : b->warps)
      if (w.live && w.cluster_phase != c.phase + 1) return false;
  return true;
}
void cluster_arrive(Warp& w, const Instr& i) {
  if (!gathered(w, i, w.live)) return;
  Cluster& c = *w.block->cluster;
  if (w.cluster_phase) fail(w, i, 0, "barrier.cluster.arrive again, before barrier.cluster.wait");
  w.cluster_phase = c.phase + 1;
}
void cluster_wait(Warp& w, const Instr& i) {
  if (!gathered(w, i, w.live)) return;
  Cluster& c = *w.block->cluster;
  if (!w.cluster_phase) fail(w, i, 0, "barrier.cluster.wait without barrier.cluster.arrive");
  if (w.cluster_phase == c.phase + 1 && all_arrived(c)) ++c.phase;
  if (w.cluster_phase == c.phase + 1) {
    w.met = false;
    w.again = w.polls = true;
  } else {
    w.cluster_phase = 0;
  }
}

}  // namespace

bool pass_barriers(Block& b) {
  bool any = false;
  for (uint32_t id = 0; id < named_barriers; ++id) any |= pass(b, id);
  return any;
}

void emit_barrier(Draft& d, const Statement& s) {
  if (s.has("cluster")) {
    d.add(s.has("arrive") ? cluster_arrive : cluster_wait, {}, {});
    return;
  }
  if ((!s.has("sync") && !s.has("arrive")) || s.operands.size() > 2 || s.operands.empty() ||
      (s.has("arrive") && s.operands.size() != 2))
    throw Fault("a form of barrier");
  const auto id = d.source(s.operands[0], Type::u32),
             count = s.operands.size() > 1 ? d.source(s.operands[1], Type::u32) : d.constant(0, 4);
  d.add(s.has("arrive") ? arrive : sync, {}, {id, count});
}

}  // namespace emulator
