// The functions of NCCL: what is wrong with a call by itself, and groups of calls.
#include <cstdio>
#include <cstring>
#include <set>

#include "nccl/ranks.h"

using namespace emulator;

namespace {

std::set<const ncclComm*>& communicators() {
  static auto* all = new std::set<const ncclComm*>;
  return *all;
}
std::map<uint64_t, std::shared_ptr<Clique>>& cliques() {  // by the number in their id
  static auto* all = new std::map<uint64_t, std::shared_ptr<Clique>>;
  return *all;
}

// What a thread has called since ncclGroupStart().
struct Group {
  struct Asked {
    ncclComm* comm;
    cudaStream_t stream;
    Call call;
  };
  int depth = 0;
  std::vector<ncclComm*> joining;
  std::vector<Asked> asked;
  ncclResult_t error = ncclSuccess;
};
thread_local Group group;
uint64_t next_group() {
  static uint64_t number = any_group;
  return ++number;
}

ncclResult_t check_communicator(const ncclComm* comm, const std::string& what) {
  if (!comm) return refuse_nccl(ncclInvalidArgument, what + " without a communicator");
  if (!communicators().count(comm))
    return refuse_nccl(ncclInvalidArgument, what + " of no communicator");
  if (comm->destroyed)
    return refuse_nccl(ncclInvalidArgument, what + " of a communicator that was destroyed");
  return ncclSuccess;
}

std::string check_buffer(const ncclComm& comm, const char* name, const void* p, std::size_t bytes,
                         std::size_t each) {
  const std::string what = std::string("the ") + name + " buffer";
  if (uint64_t(p) % each) return what + " is not aligned to its elements";
  if (!memory().host(p, bytes))
    return what + " (" + std::to_string(bytes) +
           " bytes) is not all in one allocation: " + memory().describe(uint64_t(p));
  if (const int owner = memory().device_of(p); owner != host_memory && owner != comm.device)
    return what + " is memory of device " + std::to_string(owner) +
           ", the communicator is of device " + std::to_string(comm.device);
  return "";
}

struct Sizes {
  std::size_t from, to;     ///< bytes
  std::ptrdiff_t in_place;  ///< where the result may lie, from the operand
};
Sizes sizes_of(const ncclComm& comm, const Call& c) {
  const auto n = c.count * bytes_of(c.type), all = n * std::size_t(comm.clique->ranks);
  const auto before = std::ptrdiff_t(n) * comm.rank;
  switch (c.kind) {
    case Kind::all_gather:
      return {n, all, -before};
    case Kind::reduce_scatter:
      return {all, n, before};
    case Kind::broadcast:
      return {comm.rank == c.root ? n : 0, n, 0};
    case Kind::reduce:
      return {n, comm.rank == c.root ? n : 0, 0};
    case Kind::send:
      return {n, 0, 0};
    case Kind::receive:
      return {0, n, 0};
    default:
      return {n, n, 0};
  }
}

std::string wrong(const ncclComm& comm, const Call& c) {
  const std::size_t each = bytes_of(c.type);
  if (!each) return "a type that the emulator does not know";
  if (c.op < 0 || c.op >= ncclNumOps) return "an operation that the emulator does not know";
  if (c.root < 0 || c.root >= comm.clique->ranks)
    return "rank " + std::to_string(c.root) + " of " + std::to_string(comm.clique->ranks);
  const Sizes s = sizes_of(comm, c);
  std::string why;
  if (s.from) why = check_buffer(comm, "send", c.from, s.from, each);
  if (why.empty() && s.to) why = check_buffer(comm, "receive", c.to, s.to, each);
  if (!why.empty() || !s.from || !s.to) return why;
  const auto from = uint64_t(c.from), to = uint64_t(c.to);
  if (from < to + s.to && to < from + s.from && std::ptrdiff_t(to - from) != s.in_place)
    return "its buffers overlap, and not as an operation in place has them";
  return "";
}

// Everything that a group asked for: first what goes to each communicator, in its order; sends and
// receives that follow each other together.
ncclResult_t issue_all(const std::vector<Group::Asked>& asked, uint64_t number) {
  std::vector<bool> done(asked.size());
  for (std::size_t i = 0; i < asked.size(); ++i) {
    if (done[i]) continue;
    auto is_message = [](const Call& c) { return c.kind == Kind::send || c.kind == Kind::receive; };
    std::vector<Call> calls = {asked[i].call};
    for (std::size_t k = i + 1; k < asked.size() && is_message(calls[0]); ++k) {
      if (asked[k].comm != asked[i].comm) continue;
      if (asked[k].stream != asked[i].stream || !is_message(asked[k].call)) break;
      calls.push_back(asked[k].call);
      done[k] = true;
    }
    if (auto e = issue(*asked[i].comm, asked[i].stream, calls, number)) return e;
  }
  return ncclSuccess;
}

ncclResult_t ask(ncclComm_t comm, cudaStream_t stream, const Call& call) {
  const Guard g(lock());
  const std::string what = text_of(call);
  auto check = [&]() -> ncclResult_t {
    if (auto e = check_communicator(comm, what)) return e;
    if (!comm->ready)
      return refuse_nccl(ncclInvalidUsage,
                         what + " before all ranks have come to ncclCommInitRank");
    if (comm->finalized)
      return refuse_nccl(ncclInvalidUsage, what + " of a communicator that was finalized");
    if (comm->clique->error) return comm->clique->error;
    if (!exists(stream)) return refuse_nccl(ncclInvalidArgument, what + ": no such stream");
    const OnDevice on_device(comm->device);
    if (const int device = stream_of(stream).device; device != comm->device)
      return refuse_nccl(
          ncclUnhandledCudaError,
          what + other_device("the stream", device, "the communicator", comm->device));
    if (const auto why = wrong(*comm, call); !why.empty())
      return refuse_nccl(ncclInvalidArgument, what + ": " + why);
    return ncclSuccess;
  };
  if (auto e = check()) {
    if (group.depth) group.error = e;
    return e;
  }
  if (!group.depth) return issue_all({{comm, stream, call}}, next_group());
  group.asked.push_back({comm, stream, call});
  return ncclSuccess;
}

// ---- communicators -----------------------------------------------------------------------------

uint64_t number_of(const ncclUniqueId& id) {
  uint64_t number;
  std::memcpy(&number, id.internal + 8, sizeof number);
  return std::memcmp(id.internal, "emulated", 8) == 0 ? number : 0;
}

ncclResult_t join(ncclComm& comm, int ranks, const ncclUniqueId& id) {
  auto it = cliques().find(number_of(id));
  if (it == cliques().end())
    return refuse_nccl(ncclSystemError,
                       "ncclCommInitRank with an id that this process did not make: the "
                       "emulator's ranks are threads, or communicators, of one process");
  auto& clique = it->second;
  if (!clique->ranks) clique->ranks = ranks;
  if (clique->ranks != ranks)
    return break_clique(*clique, ncclInvalidArgument,
                        "a rank said that there are " + std::to_string(clique->ranks) +
                            ", another that there are " + std::to_string(ranks));
  for (const auto* other : clique->members) {
    if (other->rank == comm.rank)
      return break_clique(*clique, ncclInvalidUsage,
                          "rank " + std::to_string(comm.rank) + " came twice");
    if (other->device == comm.device)
      return break_clique(*clique, ncclInvalidUsage,
                          "ranks " + std::to_string(other->rank) + " and " +
                              std::to_string(comm.rank) + " are both on device " +
                              std::to_string(comm.device));
  }
  clique->members.push_back(&comm);
  comm.clique = clique;
  lock().notify();
  return ncclSuccess;
}
// Waits until all ranks have come.
ncclResult_t gather(const std::vector<ncclComm*>& joined) {
  for (auto* comm : joined) {
    auto& clique = *comm->clique;
    try {
      await([&] { return clique.error || int(clique.members.size()) == clique.ranks; },
            [&] {
              return "rank " + std::to_string(comm->rank) +
                     " waits in ncclCommInitRank: " + std::to_string(clique.members.size()) +
                     " of " + std::to_string(clique.ranks) + " ranks have come";
            });
    } catch (const Fault& e) {
      return break_clique(clique, ncclInvalidUsage, e.what());
    }
    if (clique.error) return clique.error;
    comm->ready = true;
  }
  return ncclSuccess;
}

ncclResult_t init(ncclComm_t* out, int ranks, const ncclUniqueId& id, int rank, int device) {
  const Guard g(lock());
  if (ranks < 1 || rank < 0 || rank >= ranks)
    return refuse_nccl(ncclInvalidArgument, "ncclCommInitRank: rank " + std::to_string(rank) +
                                                " of " + std::to_string(ranks));
  if (unsafe("ncclCommInitRank")) return ncclUnhandledCudaError;
  auto* comm = new ncclComm;  // never freed, so that later use is known
  comm->rank = rank, comm->device = device;
  communicators().insert(comm);
  if (auto e = join(*comm, ranks, id)) return e;
  *out = comm;
  if (!group.depth) return gather({comm});
  group.joining.push_back(comm);
  return ncclSuccess;
}

void finish(ncclComm& comm) {
  while (!comm.issued.empty()) {
    const auto first = comm.issued.front();
    drain(*first->stream, first->at);
    if (!comm.issued.empty() && comm.issued.front() == first) break;  // an error stopped it
  }
}

}  // namespace

extern "C" {

ncclResult_t ncclGetVersion(int* version) {
  if (!version) return ncclInvalidArgument;
  return *version = NCCL_VERSION_CODE, ncclSuccess;
}
ncclResult_t ncclGetUniqueId(ncclUniqueId* id) {
  const Guard g(lock());
  static uint64_t last = 0;
  std::memset(id, 0, sizeof *id);
  std::memcpy(id->internal, "emulated", 8);
  ++last;
  std::memcpy(id->internal + 8, &last, sizeof last);
  cliques()[last] = std::make_shared<Clique>();
  return ncclSuccess;
}
ncclResult_t ncclCommInitRank(ncclComm_t* out, int ranks, ncclUniqueId id, int rank) {
  return init(out, ranks, id, rank, current_device());
}
ncclResult_t ncclCommInitRankConfig(ncclComm_t* out, int ranks, ncclUniqueId id, int rank,
                                    ncclConfig_t* config) {
  if (config && config->magic != 0xcafebeef)
    return refuse_nccl(ncclInvalidArgument,
                       "ncclCommInitRankConfig: begin with NCCL_CONFIG_INITIALIZER");
  return init(out, ranks, id, rank, current_device());
}
ncclResult_t ncclCommInitAll(ncclComm_t* out, int count, const int* devices) {
  ncclUniqueId id;
  if (count < 1) return refuse_nccl(ncclInvalidArgument, "ncclCommInitAll of no devices");
  ncclGetUniqueId(&id);
  ncclGroupStart();
  for (int rank = 0; rank < count; ++rank) {
    const int device = devices ? devices[rank] : rank;
    const ncclResult_t e =
        exists_device(device)
            ? init(&out[rank], count, id, rank, device)
            : refuse_nccl(ncclUnhandledCudaError,
                          "ncclCommInitAll: there is no device " + std::to_string(device));
    if (e) group.error = e;
  }
  return ncclGroupEnd();
}

ncclResult_t ncclCommFinalize(ncclComm_t comm) {
  const Guard g(lock());
  if (auto e = check_communicator(comm, "ncclCommFinalize")) return e;
  finish(*comm);
  comm->finalized = true;
  return ncclSuccess;
}
ncclResult_t ncclCommDestroy(ncclComm_t comm) {
  const Guard g(lock());
  if (!comm) return ncclSuccess;
  if (auto e = check_communicator(comm, "ncclCommDestroy")) return e;
  finish(*comm);
  comm->destroyed = true;
  return ncclSuccess;
}
ncclResult_t ncclCommAbort(ncclComm_t comm) {
  const Guard g(lock());
  if (!comm) return ncclSuccess;
  if (auto e = check_communicator(comm, "ncclCommAbort")) return e;
  comm->clique->aborted = true;
  comm->destroyed = true;
  lock().notify();
  return ncclSuccess;
}

ncclResult_t ncclCommCount(const ncclComm_t comm, int* count) {
  const Guard g(lock());
  if (auto e = check_communicator(comm, "ncclCommCount")) return e;
  return *count = comm->clique->ranks, ncclSuccess;
}
ncclResult_t ncclCommCuDevice(const ncclComm_t comm, int* device) {
  const Guard g(lock());
  if (auto e = check_communicator(comm, "ncclCommCuDevice")) return e;
  return *device = comm->device, ncclSuccess;
}
ncclResult_t ncclCommUserRank(const ncclComm_t comm, int* rank) {
  const Guard g(lock());
  if (auto e = check_communicator(comm, "ncclCommUserRank")) return e;
  return *rank = comm->rank, ncclSuccess;
}
ncclResult_t ncclCommGetAsyncError(ncclComm_t comm, ncclResult_t* error) {
  const Guard g(lock());
  if (auto e = check_communicator(comm, "ncclCommGetAsyncError")) return e;
  return *error = comm->clique->error, ncclSuccess;
}
const char* ncclGetErrorString(ncclResult_t e) {
  static const char* const texts[] = {
      "no error",         "a call of CUDA failed", "a call of the system failed", "internal error",
      "invalid argument", "invalid usage",         "another rank failed",         "in progress"};
  return e >= 0 && e < ncclNumResults ? texts[e] : "another result of NCCL";
}
const char* ncclGetLastError(ncclComm_t) { return last_nccl_error().c_str(); }

// ---- groups ------------------------------------------------------------------------------------

ncclResult_t ncclGroupStart() { return ++group.depth, ncclSuccess; }
ncclResult_t ncclGroupEnd() {
  const Guard g(lock());
  if (!group.depth) return refuse_nccl(ncclInvalidUsage, "ncclGroupEnd without ncclGroupStart");
  if (--group.depth) return ncclSuccess;
  const Group all = std::exchange(group, Group());
  if (all.error) return all.error;
  if (auto e = gather(all.joining)) return e;
  return issue_all(all.asked, next_group());
}

// ---- operations --------------------------------------------------------------------------------

ncclResult_t ncclAllReduce(const void* from, void* to, size_t count, ncclDataType_t type,
                           ncclRedOp_t op, ncclComm_t comm, cudaStream_t stream) {
  return ask(comm, stream, {Kind::all_reduce, from, to, count, type, op});
}
ncclResult_t ncclBroadcast(const void* from, void* to, size_t count, ncclDataType_t type, int root,
                           ncclComm_t comm, cudaStream_t stream) {
  return ask(comm, stream, {Kind::broadcast, from, to, count, type, ncclSum, root});
}
ncclResult_t ncclBcast(void* buffer, size_t count, ncclDataType_t type, int root, ncclComm_t comm,
                       cudaStream_t stream) {
  return ncclBroadcast(buffer, buffer, count, type, root, comm, stream);
}
ncclResult_t ncclReduce(const void* from, void* to, size_t count, ncclDataType_t type,
                        ncclRedOp_t op, int root, ncclComm_t comm, cudaStream_t stream) {
  return ask(comm, stream, {Kind::reduce, from, to, count, type, op, root});
}
ncclResult_t ncclAllGather(const void* from, void* to, size_t count, ncclDataType_t type,
                           ncclComm_t comm, cudaStream_t stream) {
  return ask(comm, stream, {Kind::all_gather, from, to, count, type});
}
ncclResult_t ncclReduceScatter(const void* from, void* to, size_t count, ncclDataType_t type,
                               ncclRedOp_t op, ncclComm_t comm, cudaStream_t stream) {
  return ask(comm, stream, {Kind::reduce_scatter, from, to, count, type, op});
}
ncclResult_t ncclSend(const void* from, size_t count, ncclDataType_t type, int peer,
                      ncclComm_t comm, cudaStream_t stream) {
  return ask(comm, stream, {Kind::send, from, nullptr, count, type, ncclSum, peer});
}
ncclResult_t ncclRecv(void* to, size_t count, ncclDataType_t type, int peer, ncclComm_t comm,
                      cudaStream_t stream) {
  return ask(comm, stream, {Kind::receive, nullptr, to, count, type, ncclSum, peer});
}

}  // extern "C"
