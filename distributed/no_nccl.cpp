// Where no NCCL was found, or no CUDA.
#include "distributed/engines.h"
#include "kernels/machine/error.h"

namespace tweed {

[[noreturn]] static void refuse() {
  throw Error(
      "several processes with a GPU each need NCCL, which this Tweed was built without: install "
      "libnccl-dev from NVIDIA's package repository, then configure and build again with nvcc");
}

std::string new_nccl_id() { refuse(); }
std::string nccl_id_at(const std::string&) { refuse(); }
std::shared_ptr<ProcessGroup> join_by_nccl(const Launch&, const std::string&, Device) { refuse(); }
std::shared_ptr<ProcessGroup> join_by_nccl(std::shared_ptr<ProcessGroup>, Device) { refuse(); }

}  // namespace tweed
