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
#include <vector>

#if TWEED_HAVE_CUDA
#include "kernels/machine/cuda_runtime.h"
#endif

namespace tweed {
namespace {

constexpr std::size_t huge_page = std::size_t(2) << 20;
thread_local const char* current_label = "tensors";

// Four sizes per power of two: at most a fifth is wasted, and sizes repeat often enough for reuse.
std::size_t size_class(std::size_t bytes) {
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
    if (bytes < huge_page) return std::aligned_alloc(64, (bytes + 63) / 64 * 64);
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
    if (bytes < huge_page)
      std::free(p);
    else
      munmap(p, bytes);
  }
  std::size_t limit() override {
    return std::size_t(sysconf(_SC_PHYS_PAGES)) * std::size_t(sysconf(_SC_PAGE_SIZE));
  }
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

std::string megabytes(std::size_t bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f MB", double(bytes) / 1e6);
  return text;
}

class Pool {
 public:
  Pool(Device device, std::unique_ptr<Source> source)
      : device_(device), source_(std::move(source)), limit_(source_->limit()) {}

  void* take(std::size_t bytes, const char* label) {
    std::size_t size = size_class(bytes);
    std::lock_guard lock(mutex_);
    void* p = take_cached(size);
    if (!p) p = take_fresh(size);
    if (!p) {
      drop_cached();
      p = take_fresh(size);
    }
    if (!p) throw DeviceError(out_of_memory(bytes));
    stats_.current += size;
    stats_.peak = std::max(stats_.peak, stats_.current);
    held_by_[label] += size;
    return p;
  }
  void give_back(void* p, std::size_t bytes, const char* label) {
    std::size_t size = size_class(bytes);
    std::lock_guard lock(mutex_);
    cached_[size].push_back(p);
    stats_.current -= size;
    held_by_[label] -= size;
  }
  void drop() {
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
  void* take_cached(std::size_t size) {
    auto found = cached_.find(size);
    if (found == cached_.end() || found->second.empty()) return nullptr;
    void* p = found->second.back();
    found->second.pop_back();
    return p;
  }
  void* take_fresh(std::size_t size) {
    if (size > limit_ || stats_.reserved > limit_ - size) return nullptr;
    void* p = source_->allocate(size);
    if (p) stats_.reserved += size;
    return p;
  }
  void drop_cached() {
    for (auto& [size, blocks] : cached_)
      for (void* p : blocks) {
        source_->release(p, size);
        stats_.reserved -= size;
      }
    cached_.clear();
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
    return text + ". A smaller batch needs less.";
  }

  Device device_;
  std::unique_ptr<Source> source_;
  std::mutex mutex_;
  std::map<std::size_t, std::vector<void*>> cached_;
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
void reset_peak_memory(Device device) { pool_of(device).reset_peak(); }
void release_cached_memory(Device device) { pool_of(device).drop(); }
void set_memory_limit(Device device, std::size_t bytes) { pool_of(device).set_limit(bytes); }

Storage::Storage(Device device, std::size_t bytes)
    : device_(device),
      bytes_(bytes),
      label_(current_label),
      data_(pool_of(device).take(bytes, label_)) {}
Storage::~Storage() { pool_of(device_).give_back(data_, bytes_, label_); }

MemoryLabel::MemoryLabel(const char* label) : before_(current_label) { current_label = label; }
MemoryLabel::~MemoryLabel() { current_label = before_; }

void copy_bytes(Device to_device, void* to, Device from_device, const void* from,
                std::size_t bytes) {
  if (bytes == 0) return;
#if TWEED_HAVE_CUDA
  if (from_device.is_cuda()) return cuda::copy(cuda_machine(from_device.index()), to, from, bytes);
  if (to_device.is_cuda()) return cuda::copy(cuda_machine(to_device.index()), to, from, bytes);
#endif
  (void)to_device, (void)from_device;
  std::memmove(to, from, bytes);
}
void zero_bytes(Device device, void* p, std::size_t bytes) {
  if (bytes == 0) return;
#if TWEED_HAVE_CUDA
  if (device.is_cuda()) return cuda::zero(cuda_machine(device.index()), p, bytes);
#endif
  (void)device;
  std::memset(p, 0, bytes);
}

}  // namespace tweed
