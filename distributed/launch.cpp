#include "distributed/launch.h"

#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <vector>

#include "kernels/machine/error.h"
#include "kernels/machine/printable.h"

namespace tweed {
namespace {

constexpr int most_processes = 1 << 20;

struct Variables {
  const char *rank, *size;
  bool by_mpi;
};

// Who sets several of these sets the first for what it is. A batch script of Slurm, in which srun
// has not started anything yet, has SLURM_PROCID, but no number of tasks of a step.
constexpr Variables known[] = {{"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", true},
                               {"PMI_RANK", "PMI_SIZE", true},
                               {"SLURM_PROCID", "SLURM_STEP_NUM_TASKS", true},
                               {"RANK", "WORLD_SIZE", false}};

// Null if it is unset or, as `RANK=` leaves it, empty.
const char* variable(const char* name) {
  const char* text = std::getenv(name);
  return text && *text ? text : nullptr;
}

int number(const char* name, const char* text) {
  int value = -1;
  const char* end = text + std::strlen(text);
  const auto [at, error] = std::from_chars(text, end, value);
  if (error != std::errc() || at != end || value < 0 || value > most_processes)
    throw Error(std::string(name) + " in the environment is " + in_quotes(text, 60) +
                ", not a number of processes");
  return value;
}

}  // namespace

Launch launch_of_environment() {
  for (auto& [rank, size, by_mpi] : known) {
    const char *rank_text = variable(rank), *size_text = variable(size);
    if (!rank_text || !size_text) continue;
    Launch launch{.rank = number(rank, rank_text),
                  .size = number(size, size_text),
                  .variables = std::string(rank) + " and " + size,
                  .by_mpi = by_mpi};
    const char* local = by_mpi ? nullptr : variable("LOCAL_RANK");
    const char* local_size = by_mpi ? nullptr : variable("LOCAL_WORLD_SIZE");
    if (local) launch.local_rank = number("LOCAL_RANK", local);
    if (local_size) launch.local_size = number("LOCAL_WORLD_SIZE", local_size);
    if (launch.rank >= launch.size)
      throw Error(std::string(rank) + " is " + rank_text + " and " + size + " " + size_text +
                  ": processes are counted from 0");
    return launch;
  }
  return {};
}

void forget_launch() {
  std::vector<std::string> names;
  for (char** at = environ; *at; ++at) {
    const std::string_view name(*at, std::strcspn(*at, "="));
    for (const char* of_launchers : {"OMPI_", "PMIX_", "PMI_", "ORTE_", "PRTE_"})
      if (name.starts_with(of_launchers)) names.emplace_back(name);
  }
  for (auto& [rank, size, by_mpi] : known) names.insert(names.end(), {rank, size});
  names.insert(names.end(), {"LOCAL_RANK", "LOCAL_WORLD_SIZE"});
  for (auto& name : names) ::unsetenv(name.c_str());
}

}  // namespace tweed
