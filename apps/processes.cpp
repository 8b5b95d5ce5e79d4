#include "apps/processes.h"

#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <vector>

#include "apps/app.h"
#include "kernels/machine/error.h"

namespace tweed::app {

static std::shared_ptr<ProcessGroup>& joined_group() {
  static std::shared_ptr<ProcessGroup> group;
  return group;
}

std::shared_ptr<ProcessGroup> join_processes() {
  const Launch launch = launch_of_environment();
  if (launch.alone()) return nullptr;
  auto group = join_group(launch);
  joined_group() = group;  // an error's way out does not wait for the others
  fail_together("rank " + std::to_string(group->rank()), group->leads(),
                [group](int code) { group->abort(code); });
  if (group->leads()) return group;
  be_silent(true);
  if (!std::freopen("/dev/null", "w", stdout)) throw Error("/dev/null cannot be written to");
  return group;
}

static int own_gpu(const ProcessGroup& group) {
  const int gpus = gpu_count();
  if (gpus <= 1) return 0;
  if (group.local_rank() < gpus) return group.local_rank();
  throw Error("process " + std::to_string(group.local_rank()) +
              " of this machine (from 0) has no "
              "GPU of its own: there are " +
              std::to_string(gpus));
}

Device open_device(const DeviceFlags& flags, std::shared_ptr<ProcessGroup>& group) {
  if (!group) return flags.open();
  const Device device = flags.open(flags.device == "cuda" ? own_gpu(*group) : 0);
  group = joined_group() = group_on(device, group);
  const int own = own_processors(*group);
  if (!flags.threads && !std::getenv("OMP_NUM_THREADS")) set_threads(own);
  return device;
}

void give_own_devices_to_children(ProcessGroup& group) {
  if (!std::getenv("OMP_NUM_THREADS"))
    ::setenv("OMP_NUM_THREADS", std::to_string(own_processors(group)).c_str(), 1);
  // Of the GPUs that this machine, or a batch system, lets us see.
  const char* given = std::getenv("CUDA_VISIBLE_DEVICES");
  std::string own = std::to_string(group.local_rank());
  if (given) {
    std::vector<std::string> all;
    std::istringstream list(given);
    for (std::string one; std::getline(list, one, ',');) all.push_back(one);
    const auto at = std::size_t(group.local_rank());
    own = at < all.size() ? all[at] : "";  // none, which is said where a run asks for one
  }
  ::setenv("CUDA_VISIBLE_DEVICES", own.c_str(), 1);
  forget_launch();
}

void leave_processes() {
  fail_together("", true, {});
  joined_group().reset();
}

}  // namespace tweed::app
