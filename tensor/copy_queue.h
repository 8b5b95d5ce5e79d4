// Copies to a device beside its computations.
#pragma once
#include <memory>

#include "tensor/tensor.h"

namespace tweed {

/// A stream of its own on `cuda`, so that the next batch travels while the device computes. What it
/// does is ordered with the device's work by the two waits alone. On `cpu` and `sim` a copy is done
/// at once.
class CopyQueue {
 public:
  /// @param bytes  of what travels at a time: on `cuda` twice as much is page-locked, so that
  ///               upload() does not wait for the stream before it is two such ahead
  explicit CopyQueue(Device device, std::size_t bytes = 0);
  ~CopyQueue();
  CopyQueue(const CopyQueue&) = delete;
  CopyQueue& operator=(const CopyQueue&) = delete;

  /// Copies all elements of `to` from the host; `from` may be changed on return.
  /// @throws ShapeError  if the sizes differ
  template <class T>
  void upload(const Tensor& to, const std::vector<T>& from) {
    if (to.size() != int64_t(from.size()))
      throw ShapeError("[upload] " + std::to_string(from.size()) + " values for " +
                       to.shape().str());
    upload_bytes(to.write<T>().data(), from.data(), to.bytes());
    to.changed();
  }
  /// Later copies begin when all that was asked of the device so far is done.
  void wait_for_device();
  /// What is asked of the device from now on begins when the copies so far are done.
  void hold_device();

 private:
  void upload_bytes(void* to, const void* from, std::size_t bytes);

  Device device_;
  std::unique_ptr<Cuda> copier_;  // null on cpu and sim
};

}  // namespace tweed
