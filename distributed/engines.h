// What brings processes together; join.cpp chooses. An engine that was not found when Tweed was
// built says what to install.
#pragma once
#include <memory>
#include <string>

#include "distributed/process_group.h"

namespace tweed {

/// MPI's processes, as mpirun and Slurm's srun start them.
std::shared_ptr<ProcessGroup> join_by_mpi(const Launch& launch);

/// Which processes meet: bytes that all of them have, and nobody else.
std::string new_nccl_id();
/// The same for processes that know an address and a port on the machine of rank 0, "node1:29501".
std::string nccl_id_at(const std::string& address);
/// Processes with a GPU each. What is on the GPUs is carried by NCCL on a stream of its own, and so
/// is the rest, by way of the GPU. Returns once all processes have come.
/// @param launch  with the places on the machine
std::shared_ptr<ProcessGroup> join_by_nccl(const Launch& launch, const std::string& id, Device gpu);
/// The same for processes that `host` has brought together, which carries what is not on the GPUs.
std::shared_ptr<ProcessGroup> join_by_nccl(std::shared_ptr<ProcessGroup> host, Device gpu);

}  // namespace tweed
