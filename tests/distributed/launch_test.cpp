// What the environment says of a launch.
#include "distributed/launch.h"

#include <cstdlib>

#include "tests/apps/apps_support.h"
#include "tests/catch.h"
#include "tests/temporary_folder.h"

using namespace tweed;

namespace {

// Variables for the length of a scope.
struct Set {
  using Values = std::vector<std::pair<std::string, std::string>>;
  explicit Set(Values values) : values_(std::move(values)) {
    for (auto& [name, value] : values_) setenv(name.c_str(), value.c_str(), 1);
  }
  ~Set() {
    for (auto& [name, value] : values_) unsetenv(name.c_str());
  }
  Set(const Set&) = delete;

 private:
  const Values values_;
};

}  // namespace

TEST_CASE("how a program was started is found in its environment", "[distributed]") {
  CHECK(launch_of_environment().alone());
  {
    const Set set(Set::Values{{"OMPI_COMM_WORLD_RANK", "2"},
                              {"OMPI_COMM_WORLD_SIZE", "4"},
                              {"RANK", "7"},
                              {"WORLD_SIZE", "8"}});
    const Launch launch = launch_of_environment();
    CHECK((launch.rank == 2 && launch.size == 4 && launch.by_mpi));
  }
  {
    const Set set(Set::Values{{"RANK", "7"}, {"WORLD_SIZE", "8"}});
    const Launch launch = launch_of_environment();
    CHECK((launch.rank == 7 && launch.size == 8 && !launch.by_mpi));
    CHECK(launch.variables == "RANK and WORLD_SIZE");
    CHECK((launch.local_rank == 0 && launch.local_size == 1));
    const Set local(Set::Values{{"LOCAL_RANK", "3"}, {"LOCAL_WORLD_SIZE", "4"}});
    const Launch one_of_four = launch_of_environment();
    CHECK((one_of_four.local_rank == 3 && one_of_four.local_size == 4));
    forget_launch();
    CHECK(launch_of_environment().alone());
  }
  {
    // Set, but to nothing.
    const Set set(Set::Values{{"OMPI_COMM_WORLD_RANK", ""},
                              {"OMPI_COMM_WORLD_SIZE", ""},
                              {"RANK", "1"},
                              {"WORLD_SIZE", "2"},
                              {"LOCAL_RANK", ""}});
    const Launch launch = launch_of_environment();
    CHECK((launch.rank == 1 && launch.size == 2 && launch.local_rank == 0));
    const Set none(Set::Values{{"RANK", ""}});
    CHECK(launch_of_environment().alone());
  }
  {
    // What sbatch runs before any srun.
    const Set script(Set::Values{{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "4"}});
    CHECK(launch_of_environment().alone());
    const Set step(Set::Values{{"SLURM_STEP_NUM_TASKS", "4"}});
    CHECK(launch_of_environment().size == 4);
  }
  const Set wrong(Set::Values{{"RANK", "8"}, {"WORLD_SIZE", "8"}});
  CHECK_THROWS_WITH(launch_of_environment(),
                    Contains("RANK is 8 and WORLD_SIZE 8: processes are counted from 0"));
  const Set nonsense(Set::Values{{"RANK", "first"}});
  CHECK_THROWS_WITH(launch_of_environment(), Contains("RANK in the environment is 'first'"));
  const Set torchrun(Set::Values{{"RANK", "1"}});
  // The processes but the first say nothing, unless something goes wrong.
  const TemporaryFolder folder;
  const Outcome o = run_app("train_miniplaces", {"tiny", "--out", folder.path() + "/out"});
  CHECK(o.code == 2);
  CHECK(o.out.empty());
  CHECK(o.err.find("RANK and WORLD_SIZE say that this is one of 8 processes") != std::string::npos);
}

TEST_CASE("variables of an mpirun that did not start the program are refused", "[distributed]") {
  const Set left_over(Set::Values{{"PMI_RANK", "1"}, {"PMI_SIZE", "2"}});
  const TemporaryFolder folder;
  const Outcome o = run_app("train_miniplaces", {"tiny", "--out", folder.path() + "/out"});
  CHECK(o.code == 2);
  CAPTURE(o.err);
  const bool says_how = o.err.find("PMI_RANK and PMI_SIZE say that this is one of 2 processes, but "
                                   "MPI sees 1: start them by the mpirun of") != std::string::npos;
  CHECK((says_how || o.err.find("libopenmpi-dev") != std::string::npos));
}
