// Processes that MPI brings together.
#include <mpi.h>

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <utility>

#include "distributed/engines.h"
#include "distributed/heartbeat.h"
#include "kernels/machine/error.h"

namespace tweed {
namespace {

// The memory of a tensor that MPI can reach, and what is in it.
struct Buffer {
  void* data;
  int count;
  MPI_Datatype type;
};

Buffer buffer_of(const Tensor& t) {
  if (t.device().is_cuda())
    throw Error("[mpi] a tensor on " + t.device().name() +
                ": MPI carries what is on the cpu; group_on() has NCCL carry the rest");
  if (t.size() > std::numeric_limits<int>::max())
    throw Error("[mpi] " + std::to_string(t.size()) + " numbers at once are too many");
  const int n = int(t.size());
  switch (t.dtype()) {
    case DType::float32:
      return {t.write<float>().data(), n, MPI_FLOAT};
    case DType::float64:
      return {t.write<double>().data(), n, MPI_DOUBLE};
    case DType::int32:
      return {t.write<int32_t>().data(), n, MPI_INT32_T};
    default:
      throw Error(std::string("[mpi] a tensor of ") + name_of(t.dtype()));
  }
}

class MpiPending : public ProcessGroup::Pending {
 public:
  MpiPending(Tensor t, MPI_Request request, Heartbeat* heartbeat)
      : t_(std::move(t)), request_(request), heartbeat_(heartbeat) {}
  ~MpiPending() override { wait(); }
  void progress() override {
    int done = 0;
    MPI_Test(&request_, &done, MPI_STATUS_IGNORE);
  }
  void wait() override {
    const Heartbeat::Waiting waiting(heartbeat_);
    MPI_Wait(&request_, MPI_STATUS_IGNORE);
  }

 private:
  const Tensor t_;  // keeps the memory
  MPI_Request request_;
  Heartbeat* const heartbeat_;
};

// MPI's functions end the run where they fail: that is how its errors are handled by default.
class MpiGroup : public ProcessGroup {
 public:
  explicit MpiGroup(const Launch& launch) {
    int level = 0;
    MPI_Init_thread(nullptr, nullptr, MPI_THREAD_MULTIPLE, &level);
    MPI_Comm_dup(MPI_COMM_WORLD, &all_);
    MPI_Comm_rank(all_, &rank_);
    MPI_Comm_size(all_, &size_);
    MPI_Comm machine;
    MPI_Comm_split_type(all_, MPI_COMM_TYPE_SHARED, rank_, MPI_INFO_NULL, &machine);
    MPI_Comm_rank(machine, &local_rank_);
    MPI_Comm_size(machine, &local_size_);
    MPI_Comm_free(&machine);
    if (size_ == launch.size && rank_ == launch.rank) {
      // An MPI that allows no second thread goes without.
      if (level == MPI_THREAD_MULTIPLE) heartbeat_ = std::make_unique<Heartbeat>(all_);
      return;
    }
    const std::string sees = std::to_string(size_);
    MPI_Finalize();
    const bool slurm = launch.variables.starts_with("SLURM");
    throw Error(launch.variables + " say that this is one of " + std::to_string(launch.size) +
                " processes, but MPI sees " + sees +
                (slurm ? ": srun --mpi=pmix starts them so that MPI knows (srun --mpi=list says "
                         "what there is); or mpirun"
                       : ": start them by the mpirun of " + version() +
                             ", with which Tweed was built; or unset these variables"));
  }
  ~MpiGroup() override {
    heartbeat_.reset();
    MPI_Comm_free(&all_);
    MPI_Finalize();
  }

  std::string engine() const override {
    return version() +
           (heartbeat_ ? ""
                       : ", which allows no second thread: a process that hangs is not noticed");
  }
  std::unique_ptr<Pending> begin_sum(const Tensor& t) override {
    const Buffer b = buffer_of(t);
    MPI_Request request;
    MPI_Iallreduce(MPI_IN_PLACE, b.data, b.count, b.type, MPI_SUM, all_, &request);
    return std::make_unique<MpiPending>(t, request, heartbeat_.get());
  }
  Tensor gather(const Tensor& t) override {
    std::vector<int64_t> sides{size_};
    for (int i = 0; i < t.ndim(); ++i) sides.push_back(t.dim(i));
    const Tensor result = Tensor::empty(Shape(sides), t.dtype(), t.device());
    const Buffer from = buffer_of(t), to = buffer_of(result);
    const Heartbeat::Waiting waiting(heartbeat_.get());
    MPI_Allgather(from.data, from.count, from.type, to.data, from.count, from.type, all_);
    return result;
  }
  std::vector<std::string> gather(const std::string& bytes) override {
    const auto n = std::size_t(size_);
    std::vector<int> counts(n), places(n + 1, 0);
    const int own = size_of(bytes);
    const Heartbeat::Waiting waiting(heartbeat_.get());
    MPI_Allgather(&own, 1, MPI_INT, counts.data(), 1, MPI_INT, all_);
    int64_t total = 0;
    for (std::size_t i = 0; i < n; ++i) {
      total += counts[i];
      if (total > std::numeric_limits<int>::max())
        throw Error("[mpi] more than 2 GB at once are too many");
      places[i + 1] = int(total);
    }
    std::string all(std::size_t(total), '\0');
    MPI_Allgatherv(bytes.data(), own, MPI_BYTE, all.data(), counts.data(), places.data(), MPI_BYTE,
                   all_);
    std::vector<std::string> result;
    for (std::size_t i = 0; i < n; ++i)
      result.push_back(all.substr(std::size_t(places[i]), std::size_t(counts[i])));
    return result;
  }
  std::string broadcast(const std::string& bytes) override {
    int size = size_of(bytes);
    const Heartbeat::Waiting waiting(heartbeat_.get());
    MPI_Bcast(&size, 1, MPI_INT, 0, all_);
    std::string result = bytes;
    result.resize(std::size_t(size));
    MPI_Bcast(result.data(), size, MPI_BYTE, 0, all_);
    return result;
  }
  void abort(int code) override {
    MPI_Abort(all_, code);
    std::_Exit(code);
  }

 private:
  static std::string version() {  // "Open MPI v4.1.4"
    char text[MPI_MAX_LIBRARY_VERSION_STRING] = "";
    int length = 0;
    MPI_Get_library_version(text, &length);
    const std::string all = text;
    return all.substr(0, all.find_first_of(",\n"));
  }
  static int size_of(const std::string& bytes) {
    if (bytes.size() > std::size_t(std::numeric_limits<int>::max()))
      throw Error("[mpi] more than 2 GB at once are too many");
    return int(bytes.size());
  }

  MPI_Comm all_ = MPI_COMM_NULL;
  std::unique_ptr<Heartbeat> heartbeat_;
};

}  // namespace

std::shared_ptr<ProcessGroup> join_by_mpi(const Launch& launch) {
  return std::make_shared<MpiGroup>(launch);
}

}  // namespace tweed
