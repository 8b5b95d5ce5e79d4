#include "apps/processes.h"

#include <cstdio>
#include <cstdlib>

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

int threads_of_process(ProcessGroup& group) {
  const int own = own_processors(group);
  return std::getenv("OMP_NUM_THREADS") ? 0 : own;
}

void leave_processes() {
  fail_together("", true, {});
  joined_group().reset();
}

}  // namespace tweed::app
