// What a run has left in its state file, for one that goes on from it.
#pragma once
#include <string>

#include "apps/run_flags.h"
#include "record/checkpoint.h"

namespace tweed::app {

struct SavedRun {
  std::string path;         ///< of the state file
  std::string folder;       ///< which it is in
  bool is_earlier = false;  ///< it is not the last that the run wrote: of a best epoch, of --keep
  SafeTensors file;
  Checkpoint checkpoint;  ///< the network as it was, and what a checkpoint says of itself
  FlagValues flags;       ///< of the run; see run_flags()
};

/// Reads the state of the run that `resume` belongs to: its last.safetensors (which need not be
/// there: the state has the weights too), its best.safetensors or best_robust.safetensors, a state
/// file, or the run's folder.
/// @throws Error  if there is no state, FormatError if it cannot be used
SavedRun load_run(const std::string& resume);

}  // namespace tweed::app
