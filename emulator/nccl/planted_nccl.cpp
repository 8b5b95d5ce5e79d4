// Mistakes in calls of NCCL, by two ranks on two devices.
#include <cuda_runtime_api.h>
#include <nccl.h>

#include <cstdlib>
#include <functional>
#include <thread>

#include "planted.h"

namespace {

constexpr int n = 64;
constexpr std::size_t bytes = n * sizeof(float);

struct Rank {
  ncclComm_t comm = nullptr;
  cudaStream_t stream = nullptr;
  float *x = nullptr, *y = nullptr;  // n ones or twos, and room for 2 n
};
struct Set {
  Rank ranks[2];
  explicit Set(bool joined = true) {
    setenv("EMULATOR_GPUS", "2", 1);
    ncclComm_t comms[2] = {};
    if (joined) checked(ncclCommInitAll(comms, 2, nullptr));
    for (int r : {0, 1}) {
      Rank& rank = ranks[r];
      rank.comm = comms[r];
      const std::vector<float> values(2 * n, float(r + 1));
      checked(cudaSetDevice(r));
      checked(cudaStreamCreateWithFlags(&rank.stream, cudaStreamNonBlocking));
      for (float** p : {&rank.x, &rank.y}) {
        checked(cudaMalloc(reinterpret_cast<void**>(p), 2 * bytes));
        checked(cudaMemcpy(*p, values.data(), 2 * bytes, cudaMemcpyHostToDevice));
      }
      checked(cudaDeviceSynchronize());
    }
  }
  // What both ranks call, in one group.
  void together(const std::function<ncclResult_t(const Rank&, int)>& call) const {
    checked(ncclGroupStart());
    for (int r : {0, 1}) checked(call(ranks[r], r));
    checked(ncclGroupEnd());
  }
  bool holds(const float* device, float wanted) const {
    std::vector<float> values(n);
    for (auto& rank : ranks) checked(cudaStreamSynchronize(rank.stream));
    checked(cudaMemcpy(values.data(), device, bytes, cudaMemcpyDeviceToHost));
    for (float v : values)
      if (v != wanted) return false;
    return true;
  }
};

ncclResult_t sum(const Rank& rank, std::size_t count = n, ncclDataType_t type = ncclFloat,
                 ncclRedOp_t op = ncclSum) {
  return ncclAllReduce(rank.x, rank.y, count, type, op, rank.comm, rank.stream);
}

// ---- ranks that do not call the same
// -------------------------------------------------------------

bool different_operations(bool bug) {
  const Set s;
  s.together([&](const Rank& rank, int r) {
    return bug && r == 1 ? ncclBroadcast(rank.x, rank.y, n, ncclFloat, 0, rank.comm, rank.stream)
                         : sum(rank);
  });
  return s.holds(s.ranks[1].y, 3);
}
bool different_counts(bool bug) {
  const Set s;
  s.together([&](const Rank& rank, int r) { return sum(rank, bug && r == 1 ? n / 2 : n); });
  return s.holds(s.ranks[0].y, 3);
}
bool different_types(bool bug) {
  const Set s;
  s.together(
      [&](const Rank& rank, int r) { return sum(rank, n, bug && r == 1 ? ncclInt32 : ncclFloat); });
  return s.holds(s.ranks[0].y, 3);
}
bool different_reductions(bool bug) {
  const Set s;
  s.together([&](const Rank& rank, int r) {
    return sum(rank, n, ncclFloat, bug && r == 1 ? ncclMax : ncclSum);
  });
  return s.holds(s.ranks[0].y, 3);
}
bool different_roots(bool bug) {
  const Set s;
  s.together([&](const Rank& rank, int r) {
    return ncclBroadcast(rank.x, rank.y, n, ncclFloat, bug ? r : 1, rank.comm, rank.stream);
  });
  return s.holds(s.ranks[0].y, 2);
}
bool different_order(bool bug) {  // each on a thread of its own
  const Set s;
  auto call = [&](int r) {
    const Rank& rank = s.ranks[r];
    auto both = [&](bool sum_first) {
      if (sum_first) checked(sum(rank));
      checked(ncclBroadcast(rank.x, rank.x, n, ncclFloat, 1, rank.comm, rank.stream));
      if (!sum_first) checked(sum(rank));
    };
    both(!bug || r == 0);
    checked(cudaStreamSynchronize(rank.stream));
  };
  std::thread other(call, 1);
  call(0);
  other.join();
  return s.holds(s.ranks[0].y, 3) && s.holds(s.ranks[0].x, 2);
}
bool received_less_than_sent(bool bug) {
  const Set s;
  s.together([&](const Rank& rank, int r) {
    return r == 0 ? ncclSend(rank.x, n, ncclFloat, 1, rank.comm, rank.stream)
                  : ncclRecv(rank.y, bug ? n / 2 : n, ncclFloat, 0, rank.comm, rank.stream);
  });
  return s.holds(s.ranks[1].y, 1);
}

// ---- ranks that wait for ever
// --------------------------------------------------------------------

bool no_group(bool bug) {
  const Set s;
  if (!bug) checked(ncclGroupStart());
  for (auto& rank : s.ranks) checked(sum(rank));
  if (!bug) checked(ncclGroupEnd());
  return s.holds(s.ranks[0].y, 3);
}
bool joins_without_group(bool bug) {
  const Set s(false);
  ncclComm_t comms[2];
  ncclUniqueId id;
  checked(ncclGetUniqueId(&id));
  if (!bug) checked(ncclGroupStart());
  for (int r : {0, 1}) {
    checked(cudaSetDevice(r));
    checked(ncclCommInitRank(&comms[r], 2, id, r));
  }
  if (!bug) checked(ncclGroupEnd());
  return true;
}
bool rank_does_not_call(bool bug) {
  const Set s;
  s.together([&](const Rank& rank, int r) { return bug && r == 1 ? ncclSuccess : sum(rank); });
  checked(cudaStreamSynchronize(s.ranks[0].stream));
  return s.holds(s.ranks[0].y, 3);
}
bool both_send_first(bool bug) {
  const Set s;
  auto call = [&](int r) {
    const Rank& rank = s.ranks[r];
    if (!bug) checked(ncclGroupStart());
    checked(ncclSend(rank.x, n, ncclFloat, 1 - r, rank.comm, rank.stream));
    checked(ncclRecv(rank.y, n, ncclFloat, 1 - r, rank.comm, rank.stream));
    if (!bug) checked(ncclGroupEnd());
  };
  std::thread other(call, 1);
  call(0);
  other.join();
  return s.holds(s.ranks[0].y, 2) && s.holds(s.ranks[1].y, 1);
}
bool two_ranks_of_a_device(bool bug) {
  const Set s(false);
  const int devices[] = {0, bug ? 0 : 1};
  ncclComm_t comms[2];
  checked(ncclCommInitAll(comms, 2, devices));
  return true;
}

// ---- streams, buffers, communicators
// -------------------------------------------------------------

bool wrong_stream(bool bug) {
  const Set s;
  s.together([&](const Rank& rank, int r) {
    return ncclAllReduce(rank.x, rank.y, n, ncclFloat, ncclSum, rank.comm,
                         s.ranks[bug ? 1 - r : r].stream);
  });
  return s.holds(s.ranks[0].y, 3);
}
bool wrong_buffer(bool bug) {
  const Set s;
  s.together([&](const Rank& rank, int r) {
    return ncclAllReduce(s.ranks[bug ? 1 - r : r].x, rank.y, n, ncclFloat, ncclSum, rank.comm,
                         rank.stream);
  });
  return s.holds(s.ranks[0].y, 3);
}
bool buffers_overlap(bool bug) {
  const Set s;
  s.together([&](const Rank& rank, int) {
    return ncclAllReduce(rank.x, rank.x + (bug ? n / 2 : 0), n, ncclFloat, ncclSum, rank.comm,
                         rank.stream);
  });
  return s.holds(s.ranks[0].x, 3);
}
bool not_quite_in_place(bool bug) {  // a rank's part lies at its place of the whole
  const Set s;
  s.together([&](const Rank& rank, int r) {
    return ncclAllGather(rank.y + (bug ? 0 : r * n), rank.y, n, ncclFloat, rank.comm, rank.stream);
  });
  return s.holds(s.ranks[0].y + n, 2);
}
bool room_for_one_rank(bool bug) {
  const Set s;
  s.together([&](const Rank& rank, int) {
    return ncclAllGather(rank.x, rank.y + (bug ? n : 0), n, ncclFloat, rank.comm, rank.stream);
  });
  return s.holds(s.ranks[0].y + n, 2);
}
bool used_after_destroy(bool bug) {
  const Set s;
  if (bug) checked(ncclCommDestroy(s.ranks[1].comm));
  s.together([](const Rank& rank, int) { return sum(rank); });
  const bool right = s.holds(s.ranks[0].y, 3);
  if (!bug) checked(ncclCommDestroy(s.ranks[1].comm));
  return right;
}
bool gradient_not_waited_for(bool bug) {  // that another stream computes
  const Set s;
  cudaStream_t computes = nullptr;
  cudaEvent_t event = nullptr;
  checked(cudaSetDevice(0));
  checked(cudaStreamCreateWithFlags(&computes, cudaStreamNonBlocking));
  checked(cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
  checked(cudaMemsetAsync(s.ranks[0].x, 0, bytes, computes));
  checked(cudaEventRecord(event, computes));
  if (!bug) checked(cudaStreamWaitEvent(s.ranks[0].stream, event, 0));
  s.together([](const Rank& rank, int) { return sum(rank); });
  return s.holds(s.ranks[1].y, 2);
}
bool sum_not_waited_for(bool bug) {
  const Set s;
  float* value = nullptr;
  checked(cudaMallocHost(reinterpret_cast<void**>(&value), sizeof *value));
  s.together([](const Rank& rank, int) { return sum(rank); });
  if (!bug) checked(cudaStreamSynchronize(s.ranks[1].stream));
  checked(cudaSetDevice(1));
  checked(cudaMemcpy(value, s.ranks[1].y, sizeof *value, cudaMemcpyDeviceToHost));
  return *value == 3;
}

}  // namespace

std::vector<Planted> planted_in_nccl() {
  auto refused = [](const char* name, const char* says, bool (*run)(bool)) {
    return Planted{name, Found::error, says, nullptr, nullptr, run};
  };
  auto spoils = [](const char* name, bool (*run)(bool)) {
    return Planted{name, Found::wrong, nullptr, nullptr, nullptr, run};
  };
  return {
      refused("different_operations",
              "rank 0 called ncclAllReduce(count 64, ncclFloat32, ncclSum), "
              "rank 1 called ncclBroadcast(count 64, ncclFloat32, root 0)",
              different_operations),
      refused("different_counts", "rank 1 called ncclAllReduce(count 32,", different_counts),
      refused("different_types", "rank 1 called ncclAllReduce(count 64, ncclInt32",
              different_types),
      refused("different_reductions", "rank 1 called ncclAllReduce(count 64, ncclFloat32, ncclMax)",
              different_reductions),
      refused("different_roots", "rank 1 called ncclBroadcast(count 64, ncclFloat32, root 1)",
              different_roots),
      refused("different_order", "rank 0 called ncclAllReduce", different_order),
      refused("received_less_than_sent",
              "rank 1 called ncclRecv(count 32, ncclFloat32, from rank 0)",
              received_less_than_sent),
      refused("no_group", "not between one ncclGroupStart and ncclGroupEnd", no_group),
      refused("joins_without_group", "1 of 2 ranks have come, and there is no other thread",
              joins_without_group),
      refused("rank_does_not_call",
              "rank 0 waits in ncclAllReduce(count 64, ncclFloat32, ncclSum) for rank 1",
              rank_does_not_call),
      refused("both_send_first", "wait for each other", both_send_first),
      refused("two_ranks_of_a_device", "ranks 0 and 1 are both on device 0", two_ranks_of_a_device),
      refused("wrong_stream", "the stream is of device 1, the communicator of device 0",
              wrong_stream),
      refused("wrong_buffer", "the send buffer is memory of device 1, the communicator",
              wrong_buffer),
      refused("buffers_overlap", "its buffers overlap", buffers_overlap),
      refused("not_quite_in_place", "its buffers overlap", not_quite_in_place),
      refused("room_for_one_rank", "the receive buffer (512 bytes) is not all in one allocation",
              room_for_one_rank),
      refused("used_after_destroy", "of a communicator that was destroyed", used_after_destroy),
      spoils("gradient_not_waited_for", gradient_not_waited_for),
      spoils("sum_not_waited_for", sum_not_waited_for),
  };
}
