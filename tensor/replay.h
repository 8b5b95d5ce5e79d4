// Replay: the kernels of a training step, recorded once and then launched as one (a CUDA graph).
#pragma once
#include <functional>
#include <memory>

#include "kernels/machine/recording.h"
#include "tensor/pool.h"

namespace tweed {

/// Does `work` each time it is called. On `cuda` the third time records it as a CUDA graph, and
/// from then on that is replayed: hundreds of kernels for the price of one launch. `sim` does the
/// same with a list of its own, so that tests can show what may be recorded; `cpu` calls `work`
/// every time. The results have the same bits either way.
///
/// What is recorded are kernels with the addresses and numbers that they were given. So `work`
///   - reads what changes from call to call from tensors that live outside of it, and writes its
///     results to such;
///   - copies nothing from or to the host: no item(), no to_vector();
///   - does nothing else that counts, such as counting on the host: it is not called again.
/// What it allocates comes from an arena of the replay's own, filled by the first two calls.
///
///   Replay step(device, [&] { loss.copy_from(train_step(images, labels)); });
///   for (...) { images.copy_from(next); step(); }
class Replay {
 public:
  /// @param record  false: `work` is called every time on every device
  Replay(Device device, std::function<void()> work, bool record = true);
  ~Replay();
  void operator()();
  /// Whether the last call was a replay.
  bool replays() const { return recording_ != nullptr; }

 private:
  void record();

  Device device_;
  std::function<void()> work_;
  bool wanted_;
  int calls_ = 0;
  std::shared_ptr<MemoryArena> arena_;
  std::unique_ptr<Recording> recording_;
};

}  // namespace tweed
