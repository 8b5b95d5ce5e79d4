// Communicators, and how their ranks meet. What a rank calls is matched with what the others call
// in the order of the calls; a stream that comes to such a call makes the others' streams come to
// theirs, or waits for the thread that has yet to call.
#pragma once
#include <nccl.h>

#include <array>
#include <map>
#include <optional>

#include "driver.h"
#include "nccl/values.h"

struct ncclComm;

namespace emulator {

enum class Kind { all_reduce, broadcast, reduce, all_gather, reduce_scatter, send, receive };

constexpr uint64_t any_group = 0;  ///< in place of a group's number

/// What one rank asks for.
struct Call {
  Kind kind;
  const void* from;
  void* to;
  std::size_t count;
  ncclDataType_t type;
  ncclRedOp_t op = ncclSum;
  int root = 0;  ///< of a send or receive, the other rank
};
/// "ncclAllReduce(count 64, ncclFloat32, ncclSum)".
std::string text_of(const Call&);

/// A collective of all ranks, or a send and its receive.
struct Meeting {
  struct Side {
    int rank = 0;
    Call call;
    Stream* stream = nullptr;  ///< which gets there with its at-th work
    uint64_t at = 0;
    std::thread::id thread;
    uint64_t group = 0;  ///< the group of calls, counted by the process
    bool arrived = false;
  };
  std::vector<std::optional<Side>> sides;
  bool done = false;
  bool full() const;
};

/// What all ranks of a communicator share.
struct Clique {
  int ranks = 0;
  std::vector<ncclComm*> members;
  std::map<uint64_t, std::shared_ptr<Meeting>> collectives;  ///< by the number of the call
  /// Of each pair of ranks, sender and receiver.
  std::map<std::array<int, 2>, std::map<uint64_t, std::shared_ptr<Meeting>>> messages;
  std::string broken;  ///< why nothing works any more
  ncclResult_t error = ncclSuccess;
  bool aborted = false;
};

/// Queues calls that belong together: a collective, or sends and receives of one group.
ncclResult_t issue(ncclComm&, cudaStream_t, const std::vector<Call>&, uint64_t group);
/// Prints why and remembers it for ncclGetLastError().
ncclResult_t refuse_nccl(ncclResult_t, const std::string& why);
/// The same, and none of the ranks goes on.
ncclResult_t break_clique(Clique&, ncclResult_t, const std::string& why);
std::string& last_nccl_error();

/// The device of a communicator is current for the length of a scope.
class OnDevice {
 public:
  explicit OnDevice(int device) : before_(current_device()) { current_device() = device; }
  ~OnDevice() { current_device() = before_; }
  OnDevice(const OnDevice&) = delete;

 private:
  int before_;
};

}  // namespace emulator

struct ncclComm {
  std::shared_ptr<emulator::Clique> clique;
  int rank = 0, device = 0;
  bool ready = false, finalized = false, destroyed = false;
  uint64_t collectives = 0;                         ///< called so far
  std::map<std::array<int, 2>, uint64_t> messages;  ///< sent or received so far, by pair
  /// What its streams will come to, in the order of the calls.
  struct Issued {
    emulator::Stream* stream;
    uint64_t at;
    std::vector<std::pair<std::shared_ptr<emulator::Meeting>, std::size_t>> sides;
    bool done = false;
  };
  std::deque<std::shared_ptr<Issued>> issued;
};
