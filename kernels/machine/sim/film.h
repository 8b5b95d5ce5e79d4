// The recorder of movies, as the simulator sees it.
#pragma once
#include "kernels/machine/sim/movie.h"
#include "kernels/machine/sim/state.h"

namespace tweed::sim {

/// Whether the launch under way is filmed.
extern bool filming;

/// Whether a launch is what film_next() waits for; then filming begins.
bool start_filming(const Launch& launch);
void film_block(uint32_t block);
/// What the calling thread is about to do, by the instruction before pc. Its own variables and
/// tables of constants are left out.
void film_access(const char* what, Act act, const void* p, std::size_t bytes, const void* pc);
void film_act(const char* what, Act act, const void* pc);
inline void film_meeting(const Site& site) {
  if (filming) film_act(site.what, Act::warp, site.pc);
}
/// Of a thread that ended, or that the simulator ended.
void film_end(Act act);
/// A finding of the calling thread, about what it did last.
void film_finding();
/// Hands over the movie. @param texts  of all findings
void end_filming(const std::vector<std::string>& texts);

}  // namespace tweed::sim
