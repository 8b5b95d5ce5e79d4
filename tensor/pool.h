// The caching pool that all tensor memory comes from, one per device.
//
// Freed blocks are kept and given out again: a training step asks for the same sizes every time,
// and fresh pages cost the CPU ten times what reused ones do (page faults), and a GPU a
// synchronisation. Thread-safe.
#pragma once
#include <atomic>
#include <cstddef>
#include <memory>
#include <string>

#include "tensor/device.h"

namespace tweed {

/// Bytes of a device's memory as the pool sees it.
struct MemoryStats {
  std::size_t current = 0;   ///< in use by tensors
  std::size_t peak = 0;      ///< the most that was in use since reset_peak_memory()
  std::size_t reserved = 0;  ///< in use or cached for reuse
};
MemoryStats memory_stats(Device device = {});
void reset_peak_memory(Device device = {});
/// Memory of the device that nobody has taken; cached blocks count as taken.
std::size_t free_device_bytes(Device device);
/// Gives cached blocks back to the system, as the pool itself does before it is out of memory.
/// @throws Error  if the device records (see Replay), when the pool goes without as well
void release_cached_memory(Device device = {});
/// The most that the pool may reserve; by default the machine's memory. 0 restores the default.
void set_memory_limit(Device device, std::size_t bytes);

/// Blocks set apart for work that is recorded: its kernels keep their addresses, so nobody else may
/// be given them as long as it can be replayed. When the arena dies its blocks go to the pool.
class MemoryArena {
 public:
  explicit MemoryArena(Device device);
  ~MemoryArena();
  MemoryArena(const MemoryArena&) = delete;
  MemoryArena& operator=(const MemoryArena&) = delete;

  /// While one lives, what this thread allocates on the arena's device comes from the arena, and
  /// goes back to it whenever it is freed.
  class Scope {
   public:
    explicit Scope(const std::shared_ptr<MemoryArena>& arena);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    std::shared_ptr<MemoryArena> before_;
  };

 private:
  friend class Storage;
  friend class Pool;
  Device device_;
  std::unique_ptr<struct FreeBlocks> free_;
};

/// Owns a block of device memory, 64-byte aligned, and gives it back to the pool, or to the arena
/// that it came from.
class Storage {
 public:
  /// @throws DeviceError  saying what was asked for, what is free, and what holds the most
  Storage(Device device, std::size_t bytes);
  ~Storage();
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;

  Device device() const { return device_; }
  void* data() const { return data_; }
  std::size_t bytes() const { return bytes_; }
  /// Counts what was asked to be written, by whatever tensor that has elements here.
  uint32_t writes() const { return writes_.load(std::memory_order_relaxed); }
  void note_write() { writes_.fetch_add(1, std::memory_order_relaxed); }

 private:
  std::atomic<uint32_t> writes_{0};
  Device device_;
  std::size_t bytes_;
  const char* label_;
  std::shared_ptr<MemoryArena> arena_;  // null: the pool itself
  void* data_;
};

/// Says what the memory allocated in its lifetime is for; shown when memory runs out. The text must
/// be a literal.
class MemoryLabel {
 public:
  explicit MemoryLabel(const char* label);
  ~MemoryLabel();

 private:
  const char* before_;
};

/// Copies bytes between any two places; `to_device` and `from_device` say where they are. In order
/// with the device's kernels; a copy to the host is complete on return, and the source of any other
/// may be changed then.
/// @throws Error  if one of the devices records (see Replay) and the other is not the same
void copy_bytes(Device to_device, void* to, Device from_device, const void* from,
                std::size_t bytes);
void zero_bytes(Device device, void* p, std::size_t bytes);

}  // namespace tweed
