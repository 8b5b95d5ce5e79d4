#include "tensor/pool.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include "kernels/machine/recording.h"
#include "kernels/machine/trace.h"
#if TWEED_HAVE_CUDA
#include "kernels/machine/cuda/runtime.h"
#endif

namespace tweed {

/// Blocks that nobody uses, by size.
struct FreeBlocks {
  std::map<std::size_t, std::vector<void*>> by_size;

  void* take(std::size_t size) {
    auto found = by_size.find(size);
    if (found == by_size.end() || found->second.empty()) return nullptr;
    void* p = found->second.back();
    found->second.pop_back();
    return p;
  }
  void put(std::size_t size, void* p) { by_size[size].push_back(p); }
};

namespace {

constexpr std::size_t huge_page = std::size_t(2) << 20;
thread_local const char* current_label = "tensors";
thread_local std::shared_ptr<MemoryArena> current_arena;

// Whether blocks are as large as was asked for, so that tools see who goes beyond their end.
bool exact() {
  static const bool asked = [] {
    const char* value = std::getenv("TWEED_EXACT_POOL");
    return value && std::string(value) == "1";
  }();
  return asked;
}

// Four sizes per power of two: at most a fifth is wasted, and sizes repeat often enough for reuse.
std::size_t size_class(std::size_t bytes) {
  if (exact()) return std::max<std::size_t>(bytes, 1);
  if (bytes <= 256) return 256;
  std::size_t step = std::bit_floor(bytes - 1) / 4;
  std::size_t rounded = (bytes + step - 1) / step * step;
  return rounded < huge_page ? rounded : (rounded + huge_page - 1) / huge_page * huge_page;
}

// Where a pool's blocks come from. Null when there is no more.
struct Source {
  virtual ~Source() = default;
  virtual void* allocate(std::size_t bytes) = 0;
  virtual void release(void* p, std::size_t bytes) = 0;
  virtual std::size_t limit() = 0;
};

struct HostSource : Source {
  void* allocate(std::size_t bytes) override {
    if (is_small(bytes)) {
      void* p = nullptr;
      return posix_memalign(&p, 64, bytes) == 0 ? p : nullptr;
    }
    // Aligned by hand, so that the kernel can back it by huge pages.
    std::size_t asked = bytes + huge_page;
    void* p = mmap(nullptr, asked, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) return nullptr;
    auto start = reinterpret_cast<std::uintptr_t>(p);
    auto aligned = (start + huge_page - 1) / huge_page * huge_page;
    if (aligned > start) munmap(p, aligned - start);
    if (auto rest = start + asked - (aligned + bytes))
      munmap(reinterpret_cast<void*>(aligned + bytes), rest);
    madvise(reinterpret_cast<void*>(aligned), bytes, MADV_HUGEPAGE);
    return reinterpret_cast<void*>(aligned);
  }
  void release(void* p, std::size_t bytes) override {
    if (is_small(bytes))
      std::free(p);
    else
      munmap(p, bytes);
  }
  std::size_t limit() override {
    return std::size_t(sysconf(_SC_PHYS_PAGES)) * std::size_t(sysconf(_SC_PAGE_SIZE));
  }
  static bool is_small(std::size_t bytes) { return bytes < huge_page || exact(); }
};

#if TWEED_HAVE_CUDA
struct CudaSource : Source {
  explicit CudaSource(int index) : index(index) {}
  void* allocate(std::size_t bytes) override { return cuda::allocate(cuda_machine(index), bytes); }
  void release(void* p, std::size_t) override { cuda::release(cuda_machine(index), p); }
  std::size_t limit() override { return ~std::size_t(0); }  // allocate() says when it is full
  int index;
};
#endif

bool records(Device device) {
  return device.kind() != Device::Kind::cpu &&
         on<Sim, Cuda>(device, [](auto& here) { return is_recording(here); });
}

std::string megabytes(std::size_t bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f MB", double(bytes) / 1e6);
  return text;
}

class Pool {
 public:
  Pool(Device device, std::unique_ptr<Source> source)
      : device_(device), source_(std::move(source)), limit_(source_->limit()) {}

  // `arena` may be null, here and below.
  void* take(std::size_t bytes, const char* label, FreeBlocks* arena) {
    std::size_t size = size_class(bytes);
    std::lock_guard lock(mutex_);
    void* p = arena ? arena->take(size) : nullptr;
    if (!p) p = cached_.take(size);
    if (!p) p = take_fresh(size);
    if (!p && !records(device_)) {
      drop_cached();
      p = take_fresh(size);
    }
    if (!p) throw DeviceError(out_of_memory(bytes));
    stats_.current += size;
    stats_.peak = std::max(stats_.peak, stats_.current);
    held_by_[label] += size;
    return p;
  }
  void give_back(void* p, std::size_t bytes, const char* label, FreeBlocks* arena) {
    std::size_t size = size_class(bytes);
    std::lock_guard lock(mutex_);
    (arena ? *arena : cached_).put(size, p);
    stats_.current -= size;
    held_by_[label] -= size;
  }
  void take_over(const FreeBlocks& arena) {
    std::lock_guard lock(mutex_);
    for (auto& [size, blocks] : arena.by_size)
      for (void* p : blocks) cached_.put(size, p);
  }
  // A GPU that records cannot wait until nobody uses a block, as giving it back does.
  void drop() {
    if (records(device_))
      throw Error("[memory] " + device_.name() + " records: nothing can be given back meanwhile");
    std::lock_guard lock(mutex_);
    drop_cached();
  }
  MemoryStats stats() {
    std::lock_guard lock(mutex_);
    return stats_;
  }
  void reset_peak() {
    std::lock_guard lock(mutex_);
    stats_.peak = stats_.current;
  }
  void set_limit(std::size_t bytes) {
    std::lock_guard lock(mutex_);
    limit_ = bytes ? bytes : source_->limit();
  }

 private:
  void* take_fresh(std::size_t size) {
    if (size > limit_ || stats_.reserved > limit_ - size) return nullptr;
    void* p = source_->allocate(size);
    if (p) stats_.reserved += size;
    return p;
  }
  void drop_cached() {
    for (auto& [size, blocks] : cached_.by_size)
      for (void* p : blocks) {
        source_->release(p, size);
        stats_.reserved -= size;
      }
    cached_.by_size.clear();
  }
  std::string out_of_memory(std::size_t bytes) {
    std::vector<std::pair<std::size_t, std::string>> holders;
    for (auto& [label, held] : held_by_)
      if (held) holders.emplace_back(held, label);
    std::sort(holders.rbegin(), holders.rend());
    std::string text = "[memory] " + device_.name() + " has no " + megabytes(bytes) +
                       " left: " + megabytes(stats_.current) + " are in use";
    if (limit_ != ~std::size_t(0)) text += " of " + megabytes(limit_);
    for (std::size_t i = 0; i < holders.size() && i < 3; ++i)
      text += (i ? ", " : "; the most by ") + holders[i].second + " (" +
              megabytes(holders[i].first) + ")";
    if (records(device_)) text += "; what is cached cannot be given back while it records";
    return text + ". A smaller batch needs less.";
  }

  Device device_;
  std::unique_ptr<Source> source_;
  std::mutex mutex_;
  FreeBlocks cached_;
  std::map<std::string, std::size_t> held_by_;
  MemoryStats stats_;
  std::size_t limit_;
};

std::unique_ptr<Source> source_of(Device device) {
#if TWEED_HAVE_CUDA
  if (device.is_cuda()) return std::make_unique<CudaSource>(device.index());
#endif
  (void)device;
  return std::make_unique<HostSource>();
}

// Never destroyed: tensors in static variables may outlive everything else.
Pool& pool_of(Device device) {
  static auto& pools = *new std::map<std::string, std::unique_ptr<Pool>>;
  static auto& mutex = *new std::mutex;
  std::lock_guard lock(mutex);
  auto& pool = pools[device.name()];
  if (!pool) pool = std::make_unique<Pool>(device, source_of(device));
  return *pool;
}

}  // namespace

MemoryStats memory_stats(Device device) { return pool_of(device).stats(); }
std::size_t free_device_bytes(Device device) {
#if TWEED_HAVE_CUDA
  if (device.is_cuda()) return cuda::free_bytes(cuda_machine(device.index()));
#endif
  (void)device;
  return std::size_t(sysconf(_SC_AVPHYS_PAGES)) * std::size_t(sysconf(_SC_PAGE_SIZE));
}
void reset_peak_memory(Device device) { pool_of(device).reset_peak(); }
void release_cached_memory(Device device) { pool_of(device).drop(); }
void set_memory_limit(Device device, std::size_t bytes) { pool_of(device).set_limit(bytes); }

MemoryArena::MemoryArena(Device device) : device_(device), free_(std::make_unique<FreeBlocks>()) {}
MemoryArena::~MemoryArena() { pool_of(device_).take_over(*free_); }
MemoryArena::Scope::Scope(const std::shared_ptr<MemoryArena>& arena)
    : before_(std::exchange(current_arena, arena)) {}
MemoryArena::Scope::~Scope() { current_arena = before_; }

Storage::Storage(Device device, std::size_t bytes)
    : device_(device),
      bytes_(bytes),
      label_(current_label),
      arena_(current_arena && current_arena->device_ == device ? current_arena : nullptr),
      data_(pool_of(device).take(bytes, label_, arena_ ? arena_->free_.get() : nullptr)) {}
Storage::~Storage() {
  pool_of(device_).give_back(data_, bytes_, label_, arena_ ? arena_->free_.get() : nullptr);
}

MemoryLabel::MemoryLabel(const char* label) : before_(current_label) { current_label = label; }
MemoryLabel::~MemoryLabel() { current_label = before_; }

namespace {

// A recording would repeat the copy with the host's address, whatever is there by then.
void refuse_while_recording(Device to, Device from) {
  if (to != from && (records(to) || records(from)))
    throw Error("[replay] a copy from " + from.name() + " to " + to.name() +
                " cannot be recorded: do it before or after the recorded work");
}

// Whose stream a trace has to wait for.
Cuda* traced_machine(Device device) {
#if TWEED_HAVE_CUDA
  if (trace::on && device.is_cuda()) return &cuda_machine(device.index());
#endif
  (void)device;
  return nullptr;
}

}  // namespace

void copy_bytes(Device to_device, void* to, Device from_device, const void* from,
                std::size_t bytes) {
  if (bytes == 0) return;
  refuse_while_recording(to_device, from_device);
  const trace::Timed timed({.name = "copy",
                            .bytes = 2 * int64_t(bytes),
                            .cuda = traced_machine(to_device.is_cuda() ? to_device : from_device)});
#if TWEED_HAVE_CUDA
  auto machine = [](Device device) -> Cuda& { return cuda_machine(device.index()); };
  if (to_device.is_cuda() && from_device.is_cuda()) {
    if (to_device == from_device) return cuda::copy(machine(to_device), to, from, bytes);
    return cuda::copy_across(machine(to_device), to, machine(from_device), from, bytes);
  }
  if (from_device.is_cuda()) return cuda::download(machine(from_device), to, from, bytes);
  if (to_device.is_cuda()) return cuda::upload(machine(to_device), to, from, bytes);
#endif
  if (to_device.kind() == Device::Kind::sim && to_device == from_device)
    return sim::copy(sim_machine(), to, from, bytes);
  std::memmove(to, from, bytes);
}
void zero_bytes(Device device, void* p, std::size_t bytes) {
  if (bytes == 0) return;
  const trace::Timed timed(
      {.name = "zero", .bytes = int64_t(bytes), .cuda = traced_machine(device)});
#if TWEED_HAVE_CUDA
  if (device.is_cuda()) return cuda::zero(cuda_machine(device.index()), p, bytes);
#endif
  if (device.kind() == Device::Kind::sim) return sim::zero(sim_machine(), p, bytes);
  std::memset(p, 0, bytes);
}

}  // namespace tweed
