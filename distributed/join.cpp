// Which engine brings the processes of a launch together.
#include <charconv>
#include <cstdlib>
#include <cstring>

#include "distributed/engines.h"
#include "kernels/machine/error.h"
#include "kernels/machine/printable.h"

namespace tweed {
namespace {

// Processes of which no engine knows: only their numbers are known, until they have GPUs.
class AnnouncedGroup : public ProcessGroup {
 public:
  explicit AnnouncedGroup(const Launch& launch) : launch(launch) {
    rank_ = launch.rank, size_ = launch.size;
    local_rank_ = launch.local_rank, local_size_ = launch.local_size;
  }
  std::string engine() const override { return "none"; }
  std::unique_ptr<Pending> begin_sum(const Tensor&) override { refuse(); }
  Tensor gather(const Tensor&) override { refuse(); }
  std::vector<std::string> gather(const std::string&) override { refuse(); }
  std::string broadcast(const std::string&) override { refuse(); }
  // Who started the processes ends the others.
  void abort(int code) override { std::_Exit(code); }

  [[noreturn]] void refuse() const {
    throw Error(launch.variables + " say that this is one of " + std::to_string(launch.size) +
                " processes, but on the cpu MPI brings them together, which cannot begin with "
                "these: start them by mpirun -n " +
                std::to_string(launch.size) + ", or Slurm's srun");
  }
  const Launch launch;
};

// Where processes meet that MPI does not know. torchrun itself may answer at the port that it
// names, so that the next one is taken.
std::string meeting_place() {
  const char *address = std::getenv("MASTER_ADDR"), *port = std::getenv("MASTER_PORT");
  if (!address || !port || !*address || !*port)
    throw Error(
        "MASTER_ADDR and MASTER_PORT in the environment have to say where the processes "
        "meet, as torchrun sets them");
  int number = 0;
  const char* end = port + std::strlen(port);
  const auto [at, error] = std::from_chars(port, end, number);
  if (error != std::errc() || at != end || number < 1 || number > 65534)
    throw Error("MASTER_PORT in the environment is " + in_quotes(port, 60) +
                ", not a number from 1 to 65534");
  const char* served = std::getenv("TORCHELASTIC_USE_AGENT_STORE");
  const bool taken = served && std::strcmp(served, "True") == 0;
  const std::string host = std::strchr(address, ':') ? "[" + std::string(address) + "]" : address;
  return host + ":" + std::to_string(number + taken);
}

}  // namespace

std::shared_ptr<ProcessGroup> join_group(const Launch& launch) {
  if (launch.by_mpi) return join_by_mpi(launch);
  return std::make_shared<AnnouncedGroup>(launch);
}

std::shared_ptr<ProcessGroup> group_on(Device device, std::shared_ptr<ProcessGroup> group) {
  const auto* announced = dynamic_cast<const AnnouncedGroup*>(group.get());
  // Processes that take different engines would wait for each other for ever.
  const std::string name = device.name();
  if (!announced) check_agreement(*group, {{"kind of device", name.substr(0, name.find(':'))}});
  if (!device.is_cuda()) {
    if (announced) announced->refuse();
    return group;
  }
  if (!announced) return join_by_nccl(std::move(group), device);
  return join_by_nccl(announced->launch, nccl_id_at(meeting_place()), device);
}

}  // namespace tweed
