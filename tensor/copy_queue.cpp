#include "tensor/copy_queue.h"

#if TWEED_HAVE_CUDA
#include "kernels/machine/cuda/runtime.h"
#endif

namespace tweed {

CopyQueue::CopyQueue(Device device, std::size_t bytes) : device_(device) {
#if TWEED_HAVE_CUDA
  if (device.is_cuda()) copier_ = std::make_unique<Cuda>(cuda::open_copier(device.index(), bytes));
#else
  (void)bytes;
#endif
}

#if TWEED_HAVE_CUDA
CopyQueue::~CopyQueue() {
  if (copier_) cuda::close_copier(*copier_);
}
void CopyQueue::upload_bytes(void* to, const void* from, std::size_t bytes) {
  if (copier_)
    cuda::upload(*copier_, to, from, bytes);
  else
    copy_bytes(device_, to, {}, from, bytes);
}
void CopyQueue::wait_for_device() {
  if (copier_) cuda::wait_for(*copier_, cuda_machine(device_.index()));
}
void CopyQueue::hold_device() {
  if (copier_) cuda::wait_for(cuda_machine(device_.index()), *copier_);
}
#else
CopyQueue::~CopyQueue() = default;
void CopyQueue::upload_bytes(void* to, const void* from, std::size_t bytes) {
  copy_bytes(device_, to, {}, from, bytes);
}
void CopyQueue::wait_for_device() {}
void CopyQueue::hold_device() {}
#endif

}  // namespace tweed
