// Barriers and the operations of a warp: rendezvous of fibers.
#include <source_location>
#include <string>

#include "kernels/machine/sim/banks.h"
#include "kernels/machine/sim/film.h"
#include "kernels/machine/sim/memory.h"
#include "kernels/machine/sim/report.h"
#include "kernels/machine/sim/state.h"

namespace tweed::sim {

using Where = std::source_location;

namespace {

Site site_of(const char* what, const Where& where, void* pc) {
  return {what, where.line(), where.column(), pc};
}

void wait(State state, const Site& site) {
  Thread& t = now.thread();
  t.state = state;
  t.site = site;
}

// Lets the threads [first, last) chosen by `mask` go on; all must have met at the same text.
void release(int first, int last, unsigned mask, const Site& site, Bug bug) {
  for (int i = first; i < last; ++i) {
    if (bug == Bug::warp && !(mask >> (i - first) & 1)) continue;
    Thread& t = now.threads[std::size_t(i)];
    if (!t.site.same_text(site) && wanted(bug, site.pc))
      add_finding((bug == Bug::warp ? "warp divergence: " : "barrier divergence: ") +
                      thread_name(now.block, now.current) + " is at " + site.what + " @ but " +
                      thread_name(now.block, i) + " is at " + t.site.what + " @",
                  {site.pc, t.site.pc});
    t.state = State::ready;
  }
}

[[noreturn]] void refuse(const Site& site, const std::string& why) {
  if (wanted(Bug::warp, site.pc))
    add_finding(
        std::string(site.what) + " at @: " + thread_name(now.block, now.current) + " " + why,
        {site.pc});
  die();
}

Meeting& meeting_of(Warp& warp, unsigned mask) {
  for (auto& m : warp.meetings)
    if (m->mask == mask) return *m;
  warp.meetings.push_back(std::make_unique<Meeting>());
  warp.meetings.back()->mask = mask;
  return *warp.meetings.back();
}

unsigned lanes_there() {
  const int first = now.current / 32 * 32, n = now.count - first;
  return n >= 32 ? ~0u : (1u << n) - 1;
}

}  // namespace

Slots meet(unsigned mask, Parcel mine, const Site& site) {
  const int lane = now.current % 32, first = now.current - lane;
  if (!(mask >> lane & 1)) refuse(site, "is not in its own mask");
  Meeting& m = meeting_of(now.warp(), mask);
  const auto slots = m.slot[m.turn & 1];
  slots[lane] = mine;
  m.arrived |= 1u << lane;
  wait(State::at_warp, site);
  if (m.arrived != (mask & lanes_there())) {
    now.thread().fiber.pause();
    return slots;
  }
  m.arrived = 0;
  ++m.turn;
  if (counting_banks) ++meetings.warps;
  release(first, first + 32 < now.count ? first + 32 : now.count, mask, site, Bug::warp);
  return slots;
}

namespace {

unsigned ballot(unsigned mask, bool p, const Site& site) {
  film_meeting(site);
  Slots all = meet(mask, {p}, site);
  unsigned result = 0;
  for (unsigned lane = 0; lane < 32; ++lane)
    if ((mask & lanes_there()) >> lane & 1 && all[lane].low) result |= 1u << lane;
  return result;
}

}  // namespace

#define SITE(what) site_of(what, where, __builtin_return_address(0))

void __syncthreads(Where where) {
  const Site site = SITE("__syncthreads");
  if (filming) film_act(site.what, Act::barrier, site.pc);
  wait(State::at_barrier, site);
  // Threads that have ended never come, so then nobody passes: that is a divergent barrier.
  if (++now.waiting < now.count) return now.thread().fiber.pause();
  ++now.epoch;
  if (counting_banks) {
    end_accesses();
    ++meetings.barriers;
  }
  now.waiting = 0;
  release(0, now.count, 0, site, Bug::barrier);
}

// Puts memory in order, for a full mask. The other warp operations do not: as on a GPU.
void __syncwarp(unsigned mask, Where where) {
  Warp& warp = now.warp();
  const uint16_t before = warp.epoch;
  const Site site = SITE("__syncwarp");
  film_meeting(site);
  meet(mask, {}, site);
  const unsigned there = lanes_there();
  if ((mask & there) == there && warp.epoch == before) ++warp.epoch;
}

unsigned __ballot_sync(unsigned mask, bool p, Where where) {
  return ballot(mask, p, SITE("__ballot_sync"));
}
bool __any_sync(unsigned mask, bool p, Where where) {
  return ballot(mask, p, SITE("__any_sync")) != 0;
}
bool __all_sync(unsigned mask, bool p, Where where) {
  const unsigned asked = mask & lanes_there();
  return ballot(mask, p, SITE("__all_sync")) == asked;
}

Parcel shuffle(unsigned mask, Parcel mine, unsigned from, const char* what, const Where& where) {
  const Site site = SITE(what);
  film_meeting(site);
  Slots all = meet(mask, mine, site);
  if (!((mask & lanes_there()) >> from & 1))
    refuse(site, "reads from lane " + std::to_string(from) + ", which takes no part");
  return all[from];
}

}  // namespace tweed::sim
