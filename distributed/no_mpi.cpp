// Where no MPI was found.
#include "distributed/engines.h"
#include "kernels/machine/error.h"

namespace tweed {

std::shared_ptr<ProcessGroup> join_by_mpi(const Launch& launch) {
  throw Error(launch.variables + " say that this is one of " + std::to_string(launch.size) +
              " processes, but this Tweed was built without MPI: install Debian's libopenmpi-dev "
              "and openmpi-bin (scripts/setup does), then configure and build again");
}

}  // namespace tweed
