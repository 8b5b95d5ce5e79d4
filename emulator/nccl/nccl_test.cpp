// What NCCL's stand-in computes, beside plain sums: every operation, type and reduction, by ranks
// in one group and by ranks on threads, recorded and not.
#include <cuda_runtime_api.h>
#include <immintrin.h>
#include <nccl.h>

#include <bit>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr int ranks = 3, n = 24;
int failures = 0;

void check(bool holds, const std::string& what) {
  if (!holds) ++failures;
  std::printf("%s  %s\n", holds ? "ok    " : "FAILED", what.c_str());
}
void checked(int status, const char* what) {
  if (status == 0) return;
  std::printf("FAILED  %s: %d\n", what, status);
  std::exit(1);
}
#define CHECKED(call) checked(int(call), #call)

struct Type {
  ncclDataType_t type;
  const char* name;
  std::size_t bytes;
};
constexpr Type types[] = {{ncclInt8, "int8", 1},       {ncclUint8, "uint8", 1},
                          {ncclInt32, "int32", 4},     {ncclUint32, "uint32", 4},
                          {ncclInt64, "int64", 8},     {ncclUint64, "uint64", 8},
                          {ncclFloat16, "float16", 2}, {ncclBfloat16, "bfloat16", 2},
                          {ncclFloat32, "float32", 4}, {ncclFloat64, "float64", 8}};

template <class T>
void put(char* to, T v) {
  std::memcpy(to, &v, sizeof v);
}
template <class T>
T get(const char* from) {
  T v;
  std::memcpy(&v, from, sizeof v);
  return v;
}
// Small whole numbers, which every type holds.
void encode(ncclDataType_t t, char* to, double v) {
  if (t == ncclInt8) put(to, int8_t(v));
  if (t == ncclUint8) put(to, uint8_t(v));
  if (t == ncclInt32) put(to, int32_t(v));
  if (t == ncclUint32) put(to, uint32_t(v));
  if (t == ncclInt64) put(to, int64_t(v));
  if (t == ncclUint64) put(to, uint64_t(v));
  if (t == ncclFloat16) put(to, uint16_t(_cvtss_sh(float(v), 0)));
  if (t == ncclBfloat16) put(to, uint16_t(std::bit_cast<uint32_t>(float(v)) >> 16));
  if (t == ncclFloat32) put(to, float(v));
  if (t == ncclFloat64) put(to, v);
}
double decode(ncclDataType_t t, const char* from) {
  if (t == ncclInt8) return get<int8_t>(from);
  if (t == ncclUint8) return get<uint8_t>(from);
  if (t == ncclInt32) return get<int32_t>(from);
  if (t == ncclUint32) return get<uint32_t>(from);
  if (t == ncclInt64) return double(get<int64_t>(from));
  if (t == ncclUint64) return double(get<uint64_t>(from));
  if (t == ncclFloat16) return _cvtsh_ss(get<uint16_t>(from));
  if (t == ncclBfloat16) return std::bit_cast<float>(uint32_t(get<uint16_t>(from)) << 16);
  if (t == ncclFloat32) return get<float>(from);
  return get<double>(from);
}

struct Rank {
  int rank = 0;
  ncclComm_t comm = nullptr;
  cudaStream_t stream = nullptr;
  char *from = nullptr, *to = nullptr;  // room for n elements of each rank

  void fill(const Type& t) const {
    std::vector<char> values(ranks * n * t.bytes);
    for (int i = 0; i < ranks * n; ++i)
      encode(t.type, values.data() + std::size_t(i) * t.bytes, value(rank, i));
    CHECKED(cudaMemcpy(from, values.data(), values.size(), cudaMemcpyHostToDevice));
    CHECKED(cudaMemset(to, 0x55, ranks * n * t.bytes));
    CHECKED(cudaDeviceSynchronize());
  }
  std::vector<double> result(const Type& t, int count) const {
    std::vector<char> values(std::size_t(count) * t.bytes);
    std::vector<double> numbers;
    CHECKED(cudaStreamSynchronize(stream));
    CHECKED(cudaMemcpy(values.data(), to, values.size(), cudaMemcpyDeviceToHost));
    for (int i = 0; i < count; ++i)
      numbers.push_back(decode(t.type, values.data() + std::size_t(i) * t.bytes));
    return numbers;
  }
  static double value(int rank, int i) { return 1 + (i * 7 + rank * 3) % 4; }
};

double combined(ncclRedOp_t op, int i, bool whole) {
  double v = Rank::value(0, i);
  for (int r = 1; r < ranks; ++r) {
    const double w = Rank::value(r, i);
    v = op == ncclProd  ? v * w
        : op == ncclMax ? std::max(v, w)
        : op == ncclMin ? std::min(v, w)
                        : v + w;
  }
  return op != ncclAvg ? v : whole ? std::trunc(v / ranks) : v / ranks;
}

// How the ranks' calls are made.
struct Way {
  const char* name;
  std::function<void(const std::vector<Rank>&, const std::function<ncclResult_t(const Rank&)>&)>
      all;
};
void in_a_group(const std::vector<Rank>& all, const std::function<ncclResult_t(const Rank&)>& f) {
  CHECKED(ncclGroupStart());
  for (auto& rank : all) CHECKED(f(rank));
  CHECKED(ncclGroupEnd());
}
void on_threads(const std::vector<Rank>& all, const std::function<ncclResult_t(const Rank&)>& f) {
  std::vector<std::thread> threads;
  for (auto& rank : all)
    threads.emplace_back([&] {
      CHECKED(cudaSetDevice(rank.rank));
      CHECKED(ncclGroupStart());  // for sends and receives; of one call it changes nothing
      CHECKED(f(rank));
      CHECKED(ncclGroupEnd());
      CHECKED(cudaStreamSynchronize(rank.stream));
    });
  for (auto& t : threads) t.join();
}
void recorded(const std::vector<Rank>& all, const std::function<ncclResult_t(const Rank&)>& f) {
  std::vector<cudaGraphExec_t> graphs(all.size());
  for (auto& rank : all) CHECKED(cudaStreamBeginCapture(rank.stream, cudaStreamCaptureModeRelaxed));
  in_a_group(all, f);
  for (auto& rank : all) {
    cudaGraph_t graph = nullptr;
    CHECKED(cudaStreamEndCapture(rank.stream, &graph));
    CHECKED(cudaGraphInstantiate(&graphs[std::size_t(rank.rank)], graph, 0));
  }
  for (int turn = 0; turn < 2; ++turn)  // the second does the same again
    for (auto& rank : all) CHECKED(cudaGraphLaunch(graphs[std::size_t(rank.rank)], rank.stream));
}

bool near(ncclDataType_t t, double got, double wanted) {
  const double error = t == ncclBfloat16 ? 1. / 128 : t == ncclFloat16 ? 1. / 1024 : 1e-6;
  return std::abs(got - wanted) <= error * std::abs(wanted);
}

struct Test {
  const Way& way;
  const std::vector<Rank>& all;
  const Type& type;

  // Calls f for all ranks, and compares the first `count` elements of each rank's result.
  void operator()(const std::string& what, int count,
                  const std::function<ncclResult_t(const Rank&)>& f,
                  const std::function<double(const Rank&, int)>& wanted) const {
    for (auto& rank : all) rank.fill(type);
    way.all(all, f);
    bool right = true;
    for (auto& rank : all) {
      const auto got = rank.result(type, count);
      for (int i = 0; i < count; ++i) {
        const double w = wanted(rank, i);
        if (!std::isnan(w) && !near(type.type, got[std::size_t(i)], w)) right = false;
      }
    }
    check(right, what + " of " + type.name + ", " + way.name);
  }
  bool whole() const { return type.type < ncclFloat16; }
};

void test(const Test& t) {
  const auto type = t.type.type;
  const std::size_t bytes = t.type.bytes;
  const bool whole = t.whole();
  const char* const names[] = {"sum", "prod", "max", "min", "avg"};
  for (int o = 0; o < ncclNumOps; ++o) {
    const auto op = ncclRedOp_t(o);
    t(
        std::string("all-reduce, ") + names[o], n,
        [&](const Rank& r) { return ncclAllReduce(r.from, r.to, n, type, op, r.comm, r.stream); },
        [&](const Rank&, int i) { return combined(op, i, whole); });
    t(
        std::string("reduce-scatter, ") + names[o], n,
        [&](const Rank& r) {
          return ncclReduceScatter(r.from, r.to, n, type, op, r.comm, r.stream);
        },
        [&](const Rank& r, int i) { return combined(op, r.rank * n + i, whole); });
  }
  t(
      "reduce", n,
      [&](const Rank& r) {
        return ncclReduce(r.from, r.to, n, type, ncclSum, 1, r.comm, r.stream);
      },
      [&](const Rank& r, int i) { return r.rank == 1 ? combined(ncclSum, i, whole) : NAN; });
  t(
      "broadcast", n,
      [&](const Rank& r) { return ncclBroadcast(r.from, r.to, n, type, 2, r.comm, r.stream); },
      [](const Rank&, int i) { return Rank::value(2, i); });
  t(
      "all-gather", ranks * n,
      [&](const Rank& r) { return ncclAllGather(r.from, r.to, n, type, r.comm, r.stream); },
      [](const Rank&, int i) { return Rank::value(i / n, i % n); });
  t(
      "a ring of sends", n,
      [&](const Rank& r) {
        if (auto e = ncclSend(r.from, n, type, (r.rank + 1) % ranks, r.comm, r.stream)) return e;
        return ncclRecv(r.to, n, type, (r.rank + ranks - 1) % ranks, r.comm, r.stream);
      },
      [](const Rank& r, int i) { return Rank::value((r.rank + ranks - 1) % ranks, i); });
  t(
      "a send to itself", n,
      [&](const Rank& r) {
        if (auto e = ncclRecv(r.to, n, type, r.rank, r.comm, r.stream)) return e;
        return ncclSend(r.from + n * bytes, n, type, r.rank, r.comm, r.stream);
      },
      [](const Rank& r, int i) { return Rank::value(r.rank, n + i); });
}

void test_communicators(const std::vector<Rank>& all) {
  int version = 0, count = 0, rank = -1, device = -1;
  ncclResult_t error = ncclInternalError;
  check(!ncclGetVersion(&version) && version == NCCL_VERSION_CODE, "ncclGetVersion");
  check(!ncclCommCount(all[2].comm, &count) && count == ranks, "ncclCommCount");
  check(!ncclCommUserRank(all[2].comm, &rank) && rank == 2, "ncclCommUserRank");
  check(!ncclCommCuDevice(all[2].comm, &device) && device == 2, "ncclCommCuDevice");
  check(!ncclCommGetAsyncError(all[2].comm, &error) && error == ncclSuccess,
        "ncclCommGetAsyncError");
  // Ranks on threads, each of which says who it is.
  ncclUniqueId id;
  CHECKED(ncclGetUniqueId(&id));
  std::vector<std::thread> threads;
  std::vector<int> done(ranks);
  for (int r = 0; r < ranks; ++r)
    threads.emplace_back([&done, id, r] {
      ncclComm_t comm = nullptr;
      ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
      int own = -1;
      CHECKED(cudaSetDevice(r));
      CHECKED(ncclCommInitRankConfig(&comm, ranks, id, r, &config));
      CHECKED(ncclCommUserRank(comm, &own));
      CHECKED(ncclCommFinalize(comm));
      CHECKED(ncclCommDestroy(comm));
      done[std::size_t(r)] = own == r;
    });
  for (auto& t : threads) t.join();
  check(done == std::vector<int>(ranks, 1), "ncclCommInitRankConfig on threads");
}

// Two calls in the graph of each rank: the second takes what the first has made.
void test_two_in_a_graph(const std::vector<Rank>& all) {
  const Type& type = types[8];  // float32
  std::vector<cudaGraphExec_t> graphs(all.size());
  for (auto& rank : all) {
    rank.fill(type);
    CHECKED(cudaStreamBeginCapture(rank.stream, cudaStreamCaptureModeRelaxed));
  }
  for (int call = 0; call < 2; ++call)
    in_a_group(all, [&](const Rank& r) {
      const char* from = call == 0 ? r.from : r.to;
      return ncclAllReduce(from, r.to, n, type.type, ncclSum, r.comm, r.stream);
    });
  for (auto& rank : all) {
    cudaGraph_t graph = nullptr;
    CHECKED(cudaStreamEndCapture(rank.stream, &graph));
    CHECKED(cudaGraphInstantiate(&graphs[std::size_t(rank.rank)], graph, 0));
    CHECKED(cudaGraphDestroy(graph));
  }
  for (auto& rank : all) CHECKED(cudaGraphLaunch(graphs[std::size_t(rank.rank)], rank.stream));
  bool right = true;
  for (auto& rank : all) {
    const auto got = rank.result(type, n);
    for (int i = 0; i < n; ++i)
      right = right && got[std::size_t(i)] == ranks * combined(ncclSum, i, false);
    CHECKED(cudaGraphExecDestroy(graphs[std::size_t(rank.rank)]));
  }
  check(right, "two all-reduces in one graph of each rank");
}

// A rank that does not come: who asks whether it has is told no, and may give up.
void test_abort(const std::vector<Rank>& all) {
  std::vector<ncclComm_t> comms(ranks);
  CHECKED(ncclCommInitAll(comms.data(), ranks, nullptr));
  const Rank& rank = all[0];
  CHECKED(ncclAllReduce(rank.from, rank.to, n, ncclFloat32, ncclSum, comms[0], rank.stream));
  check(cudaStreamQuery(rank.stream) == cudaErrorNotReady &&
            cudaStreamQuery(rank.stream) == cudaErrorNotReady,
        "a stream that waits for a rank is not ready");
  CHECKED(ncclCommAbort(comms[0]));
  check(cudaStreamSynchronize(rank.stream) == cudaSuccess, "ncclCommAbort lets it go on");
  for (int r = 1; r < ranks; ++r) CHECKED(ncclCommAbort(comms[std::size_t(r)]));
}

}  // namespace

int main() {
  setenv("EMULATOR_GPUS", "3", 1);
  std::vector<ncclComm_t> comms(ranks);
  CHECKED(ncclCommInitAll(comms.data(), ranks, nullptr));
  std::vector<Rank> all(ranks);
  for (int r = 0; r < ranks; ++r) {
    Rank& rank = all[std::size_t(r)];
    rank.rank = r, rank.comm = comms[std::size_t(r)];
    CHECKED(cudaSetDevice(r));
    CHECKED(cudaStreamCreateWithFlags(&rank.stream, cudaStreamNonBlocking));
    for (char** p : {&rank.from, &rank.to})
      CHECKED(cudaMalloc(reinterpret_cast<void**>(p), ranks * n * sizeof(double)));
  }
  test_communicators(all);
  test_abort(all);
  test_two_in_a_graph(all);
  for (const Way& way :
       {Way{"in a group", in_a_group}, Way{"on threads", on_threads}, Way{"recorded", recorded}})
    for (const Type& type : types) test({way, all, type});
  for (auto& rank : all) CHECKED(ncclCommDestroy(rank.comm));
  std::printf("%d failures\n", failures);
  return failures != 0;
}
