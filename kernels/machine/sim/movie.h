// A movie: what each thread of some blocks of one launch did, in order, to be looked at afterwards.
// record/movie/ makes a page of it.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "kernels/machine/machine.h"
#include "kernels/machine/source_lines.h"

namespace tweed::sim {

enum class Act : uint8_t {
  end,      ///< of the thread, at the kernel's end
  read,     ///< of memory
  write,    ///< of memory
  atomic,   ///< both at once
  barrier,  ///< arrives at __syncthreads
  warp,     ///< meets other lanes of its warp: a shuffle, a vote, mma
  other,    ///< cp_async_wait
  died      ///< the simulator ended it, after something it cannot go on from
};
enum class Space : uint8_t { none, global, static_shared, dynamic_shared, outside };

/// An instruction: where in the source it is, and what it does.
struct MovieSite {
  std::string what;  ///< "load", "__shfl_xor_sync", "mma"
  Act act = Act::end;
  Space space = Space::none;
  int argument = 0;           ///< of the kernel, counted from 1, in whose memory; 0 if in none
  uint32_t bytes = 0;         ///< by each lane
  std::vector<Frame> frames;  ///< functions inlined there, innermost first; empty if not known
};
struct MovieEvent {
  uint32_t site;   ///< index into Movie::sites
  int64_t offset;  ///< bytes from the beginning of that memory
};
struct MovieBlock {
  uint32_t index = 0;                            ///< in the grid
  std::vector<std::vector<MovieEvent>> threads;  ///< of each thread, in its order
  bool cut = false;                              ///< some thread did more than was kept
};
struct MovieFinding {
  std::string text;    ///< as SimulatorError has it
  uint32_t block = 0;  ///< in the grid
  int thread = -1;     ///< -1: of the block as a whole, which goes no further
  int64_t event = -1;  ///< of the thread; beyond the last if that was not kept
};
struct MovieArgument {
  int argument = 0;  ///< counted from 1
  int64_t bytes = 0;
  int element = 1;  ///< bytes
  bool writable = false;
};

struct Movie {
  std::string kernel;  ///< "reduce_kernel"
  Config config;
  std::vector<MovieArgument> arguments;  ///< those that are memory
  /// In the order of their instructions in the program, so that of the lanes of a warp those at the
  /// smaller index are behind; ends come first.
  std::vector<MovieSite> sites;
  std::vector<MovieBlock> blocks;
  std::vector<MovieFinding> findings;
  int64_t most_events = 0;  ///< that were kept of a thread
};

/// How much a movie keeps.
struct MovieLimits {
  int blocks = 4;            ///< the first ones, and the last or one with a finding
  int64_t events = 200'000;  ///< of all threads of these together, the same number for each
};

/// Films the next launch of a kernel whose name contains `kernel`, and then calls `done`; if the
/// launch did something wrong, before that is thrown. The launch computes what it always does.
void film_next(const std::string& kernel, std::function<void(const Movie&)> done,
               const MovieLimits& limits = {});
/// The kernels that ran since film_next() and were not what it waits for, each once. Nothing is
/// waited for any more.
std::vector<std::string> stop_waiting_for_film();
/// Whether film_next() still waits for a launch.
bool waiting_for_film();

}  // namespace tweed::sim
