// A program as one of several processes that train together.
#pragma once
#include <memory>

#include "distributed/process_group.h"

namespace tweed::app {

/// Brings the processes of the launch together; null where this is the only one. From then on only
/// the first says and prints anything, and an error names the process that it is of and ends all.
/// @throws Error  if that cannot be; see join_group()
std::shared_ptr<ProcessGroup> join_processes();
/// Threads for each to compute with, unless --threads says otherwise: its own_processors(), or
/// OMP_NUM_THREADS.
int threads_of_process(ProcessGroup& group);
/// Makes programs that this process starts use its own threads and its own GPU, the one of its number
/// among the processes of the machine; each of them is alone.
void give_own_devices_to_children(ProcessGroup& group);
/// At the end of a program, when all others come to theirs.
void leave_processes();

}  // namespace tweed::app
