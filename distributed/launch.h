// How many processes were started to train together, and which of them this is.
#pragma once
#include <string>

namespace tweed {

/// What the environment says of a launch: mpirun, Slurm's srun, or variables as torchrun sets them.
struct Launch {
  int rank = 0, size = 1;
  int local_rank = 0, local_size = 1;  ///< among the processes of this machine, if `variables` are
                                       ///< torchrun's; MPI finds out by itself
  /// The variables that say so, "OMPI_COMM_WORLD_RANK and OMPI_COMM_WORLD_SIZE"; empty: none do.
  std::string variables;
  /// Whether whoever started the processes can bring them together by MPI.
  bool by_mpi = false;

  bool alone() const { return size == 1; }
};

/// Without any of the variables: one process.
/// @throws Error  "RANK is 4 and WORLD_SIZE 4: ..." if they say what cannot be
Launch launch_of_environment();

/// Takes from the environment what says so, for programs that this one starts: each is alone.
void forget_launch();

}  // namespace tweed
