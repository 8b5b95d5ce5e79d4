// Processes with a GPU each, whose numbers NCCL carries.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "distributed/engines.h"
#include "distributed/nccl.h"
#include "kernels/machine/cuda/runtime.h"
#include "kernels/machine/error.h"

namespace tweed {
namespace {

void check(ncclResult_t error, const std::string& what) {
  if (error == ncclSuccess) return;
  const char* more = nccl().last_error(nullptr);
  throw Error("[nccl] " + what + ": " + nccl().text_of(error) +
              (more && *more ? " (" + std::string(more) + ")" : ""));
}

ncclDataType_t type_of(const Tensor& t) {
  switch (t.dtype()) {
    case DType::float32:
      return ncclFloat32;
    case DType::float64:
      return ncclFloat64;
    case DType::int32:
      return ncclInt32;
    case DType::uint8:
      return ncclUint8;
    default:
      throw Error(std::string("[nccl] a tensor of ") + name_of(t.dtype()));
  }
}

// What is asked of NCCL goes to a stream of its own, beside the machine's: it begins when the
// machine has made the numbers, and the machine waits for it where they are needed. Both are
// events, which a recording of the machine takes up with all that is between them.
class NcclGroup : public ProcessGroup {
 public:
  NcclGroup(std::shared_ptr<ProcessGroup> host, const Launch& launch, const ncclUniqueId& id,
            Device gpu)
      : host_(std::move(host)), gpu_(gpu), machine_(cuda_machine(gpu.index())) {
    rank_ = launch.rank, size_ = launch.size;
    local_rank_ = launch.local_rank, local_size_ = launch.local_size;
    int least = 0, most = 0;  // of urgency
    cuda::check(cudaDeviceGetStreamPriorityRange(&least, &most), "NCCL's stream");
    cuda::check(cudaStreamCreateWithPriority(&stream_, cudaStreamNonBlocking, most),
                "NCCL's stream");
    cuda::check(cudaEventCreateWithFlags(&reached_, cudaEventDisableTiming), "NCCL's event");
    check(nccl().join(&all_, size_, id, rank_), "the processes cannot be brought together");
  }
  ~NcclGroup() override {
    cuda::select(machine_);
    cudaStreamSynchronize(stream_);
    nccl().leave(all_);
    cudaEventDestroy(reached_);
    cudaStreamDestroy(stream_);
  }

  std::string engine() const override {
    int v = 0;  // 22809: 2.28.9
    check(nccl().version(&v), "its version");
    const std::string own = "NCCL " + std::to_string(v / 10000) + "." +
                            std::to_string(v / 100 % 100) + "." + std::to_string(v % 100);
    return host_ ? own + " and " + host_->engine() : own;
  }
  bool can_record() const override { return true; }

  std::unique_ptr<Pending> begin_sum(const Tensor& t) override {
    if (t.device() != gpu_) return sum_elsewhere(t);
    check_goes_on();
    follow(stream_, machine_stream());
    check(nccl().all_reduce(t.address(), address_of(t), std::size_t(t.size()), type_of(t), ncclSum,
                            all_, stream_),
          "a sum");
    return std::make_unique<OnStream>(*this, t);
  }
  Tensor gather(const Tensor& t) override {
    if (t.device() != gpu_) return host_ ? host_->gather(t) : gather(t.to(gpu_)).to(t.device());
    check_goes_on();
    std::vector<int64_t> sides{size_};
    for (int i = 0; i < t.ndim(); ++i) sides.push_back(t.dim(i));
    const Tensor result = Tensor::empty(Shape(sides), t.dtype(), gpu_);
    follow(stream_, machine_stream());
    check(nccl().all_gather(t.address(), address_of(result), std::size_t(t.size()), type_of(t),
                            all_, stream_),
          "a gathering");
    follow(machine_stream(), stream_);
    return result;
  }
  std::vector<std::string> gather(const std::string& bytes) override {
    if (host_) return host_->gather(bytes);
    const auto sizes =
        gather(Tensor::from(std::vector<int32_t>{int32_t(bytes.size())}, {1})).to_vector<int32_t>();
    // Each sends as many as the longest has.
    const int32_t longest = std::max(1, *std::max_element(sizes.begin(), sizes.end()));
    std::vector<uint8_t> own(bytes.begin(), bytes.end());
    own.resize(std::size_t(longest));
    const auto all = gather(Tensor::from(own, {longest})).to_vector<uint8_t>();
    std::vector<std::string> result;
    for (int rank = 0; rank < size_; ++rank) {
      const auto first = all.begin() + int64_t(rank) * longest;
      result.emplace_back(first, first + sizes[std::size_t(rank)]);
    }
    return result;
  }
  std::string broadcast(const std::string& bytes) override {
    return host_ ? host_->broadcast(bytes) : gather(rank_ == 0 ? bytes : "")[0];
  }
  // Who started the processes ends the others, where MPI does not.
  void abort(int code) override {
    if (host_) host_->abort(code);
    std::_Exit(code);
  }

 private:
  class OnStream : public Pending {
   public:
    OnStream(NcclGroup& group, Tensor t) : group_(group), t_(std::move(t)) {}
    ~OnStream() override { wait(); }
    void progress() override {}  // NCCL goes on by itself
    void wait() override {
      if (!std::exchange(waited_, true)) group_.follow(group_.machine_stream(), group_.stream_);
    }

   private:
    NcclGroup& group_;
    const Tensor t_;  // keeps the memory
    bool waited_ = false;
  };
  struct Done : Pending {
    void progress() override {}
    void wait() override {}
  };
  std::unique_ptr<Pending> sum_elsewhere(const Tensor& t) {
    if (host_) return host_->begin_sum(t);
    const Tensor there = t.to(gpu_);
    sum(there);
    t.copy_from(there);
    return std::make_unique<Done>();
  }

  cudaStream_t machine_stream() const { return cudaStream_t(machine_.stream); }
  // What `later` is asked from now on begins after what `earlier` was asked so far.
  void follow(cudaStream_t later, cudaStream_t earlier) {
    cuda::select(machine_);
    cuda::check(cudaEventRecord(reached_, earlier), "NCCL's turn");
    cuda::check(cudaStreamWaitEvent(later, reached_), "NCCL's turn");
  }
  // An error may come after the call that led to it, such as when a machine is lost.
  void check_goes_on() {
    ncclResult_t error = ncclSuccess;
    check(nccl().async_error(all_, &error), "what it is doing");
    check(error, "the processes have lost each other");
  }
  static void* address_of(const Tensor& t) {
    return with_type(t.dtype(), [&]<class T>() -> void* { return t.write<T>().data(); });
  }

  const std::shared_ptr<ProcessGroup> host_;  // null: there is none
  const Device gpu_;
  Cuda& machine_;
  cudaStream_t stream_ = nullptr;
  cudaEvent_t reached_ = nullptr;
  ncclComm_t all_ = nullptr;
};

ncclUniqueId id_from(const std::string& bytes) {
  ncclUniqueId id{};
  if (bytes.size() != sizeof id.internal) throw Error("[nccl] what is given is no id of processes");
  std::memcpy(id.internal, bytes.data(), bytes.size());
  return id;
}

}  // namespace

std::string new_nccl_id() {
  ncclUniqueId id;
  check(nccl().new_id(&id), "an id");
  return {id.internal, sizeof id.internal};
}

// NCCL itself makes one of an address that it finds in the environment, and has rank 0 listen
// there.
std::string nccl_id_at(const std::string& address) {
  ::setenv("NCCL_COMM_ID", address.c_str(), 0);
  return new_nccl_id();
}

std::shared_ptr<ProcessGroup> join_by_nccl(const Launch& launch, const std::string& id,
                                           Device gpu) {
  return std::make_shared<NcclGroup>(nullptr, launch, id_from(id), gpu);
}
std::shared_ptr<ProcessGroup> join_by_nccl(std::shared_ptr<ProcessGroup> host, Device gpu) {
  const Launch launch{.rank = host->rank(),
                      .size = host->size(),
                      .local_rank = host->local_rank(),
                      .local_size = host->local_size()};
  const std::string id = host->broadcast(host->leads() ? new_nccl_id() : "");
  return std::make_shared<NcclGroup>(std::move(host), launch, id_from(id), gpu);
}

}  // namespace tweed
