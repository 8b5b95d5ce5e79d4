// A program as one of several processes that train together.
#pragma once
#include <memory>

#include "apps/app.h"
#include "distributed/process_group.h"

namespace tweed::app {

/// Brings the processes of the launch together; null where this is the only one. From then on only
/// the first says and prints anything, and an error names the process that it is of and ends all.
/// @throws Error  if that cannot be; see join_group()
std::shared_ptr<ProcessGroup> join_processes();
/// The device of the flags for one of `group`, which from then on is group_on() it; null: for the
/// only process. "cuda" is the GPU of its number among the processes of the machine, or the only
/// one that it sees. Without --threads and OMP_NUM_THREADS it computes with its own_processors().
Device open_device(const DeviceFlags& flags, std::shared_ptr<ProcessGroup>& group);
/// Makes programs that this process starts use its own threads and its own GPU, the one of its
/// number among the processes of the machine; each of them is alone.
void give_own_devices_to_children(ProcessGroup& group);
/// At the end of a program, when all others come to theirs.
void leave_processes();

}  // namespace tweed::app
