// Processes that train together.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "distributed/launch.h"
#include "tensor/tensor.h"

namespace tweed {

/// The processes of a launch, which an engine brings together. All of them make the same calls in
/// the same order; each is one that all have to make before anybody has its result.
///
/// Tensors are float32, float64 or int32, and where the engine can reach them: MPI's on `cpu` and
/// `sim`, NCCL's everywhere. An engine that fails ends the run everywhere.
class ProcessGroup {
 public:
  virtual ~ProcessGroup() = default;
  ProcessGroup() = default;
  ProcessGroup(const ProcessGroup&) = delete;
  ProcessGroup& operator=(const ProcessGroup&) = delete;

  int rank() const { return rank_; }  ///< from 0; the process of rank 0 writes and prints
  int size() const { return size_; }
  bool leads() const { return rank_ == 0; }
  int local_rank() const { return local_rank_; }  ///< among those of this machine
  int local_size() const { return local_size_; }
  /// "Open MPI 4.1.4"
  virtual std::string engine() const = 0;
  /// Whether sums and gatherings of tensors on the group's device may be part of a recording
  /// (tensor/replay.h).
  virtual bool can_record() const { return false; }

  /// A sum on its way.
  class Pending {
   public:
    virtual ~Pending() = default;
    /// Gives an engine that needs it time to go on.
    virtual void progress() = 0;
    /// What is asked of the tensor's device from now on finds the sum.
    virtual void wait() = 0;
  };
  /// t becomes the sum over all processes, the same bits in each; it is neither read nor written
  /// until that is there. The order of additions is the engine's.
  virtual std::unique_ptr<Pending> begin_sum(const Tensor& t) = 0;
  void sum(const Tensor& t) { begin_sum(t)->wait(); }
  /// The t of all processes, of one shape, in the order of their ranks: (size, ...).
  virtual Tensor gather(const Tensor& t) = 0;
  /// Bytes of all processes, in the order of their ranks; each may give as many as it likes.
  virtual std::vector<std::string> gather(const std::string& bytes) = 0;
  /// What rank 0 has for it.
  virtual std::string broadcast(const std::string& bytes) = 0;
  /// Whether any process says so.
  bool any(bool here);
  /// Whether rank 0 says so.
  bool leader_says(bool here) { return broadcast(here ? "1" : "0") == "1"; }
  /// Ends all processes at once; this one with the exit code.
  [[noreturn]] virtual void abort(int code) = 0;

 protected:
  int rank_ = 0, size_ = 1, local_rank_ = 0, local_size_ = 1;
};

/// The processes of a launch of several, brought together by MPI. Of those that MPI does not know,
/// such as torchrun's, nothing but their numbers is there before group_on().
/// @throws Error  if no MPI was found when Tweed was built, or the launch is none that it knows
std::shared_ptr<ProcessGroup> join_group(const Launch& launch);
/// The same processes for tensors on `device`, which all of them say: on a GPU, of which each has
/// one of its own, NCCL carries them.
/// @throws Error  if no NCCL was found when Tweed was built; if processes share a GPU; on the cpu,
///                if MPI does not know the processes
std::shared_ptr<ProcessGroup> group_on(Device device, std::shared_ptr<ProcessGroup> group);

/// Checks that all processes have the same of what they have to, each fact under a name.
/// @throws Error  in all of them: "the processes do not agree: rank 1 has another data set than
///                rank 0 (1000 images instead of 500)"
struct Fact {
  std::string name, value;
};
void check_agreement(ProcessGroup& group, const std::vector<Fact>& facts);

/// A number of 16 digits for bytes: equal for equal ones. Facts are compared by it where they are
/// long.
std::string digest(const void* bytes, std::size_t size, const std::string& before = "");
/// Of all tensors of a network and their names.
std::string digest(const std::vector<Tensor>& tensors);

/// Processors that this process may use for itself: those that it is bound to, shared with the
/// processes of its machine that are bound to the same ones; at least 1.
int own_processors(ProcessGroup& group);

}  // namespace tweed
