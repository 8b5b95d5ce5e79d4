#include "tensor/replay.h"

#include "kernels/machine/trace.h"

namespace tweed {

static constexpr int warm_up = 2;

// Ends a recording that an exception broke off, which may be past ending well.
template <class M>
static void forget_recording(M& here) {
  try {
    end_recording(here);
  } catch (const Error&) {
  }
}

Replay::Replay(Device device, std::function<void()> work, bool record)
    : device_(device),
      work_(std::move(work)),
      wanted_(record && device.kind() != Device::Kind::cpu),
      arena_(std::make_shared<MemoryArena>(device)) {}

// The recording goes first: it waits until nothing uses the arena's memory any more.
Replay::~Replay() { recording_.reset(); }

void Replay::operator()() {
  if (!wanted_ || trace::on) return work_();
  if (!recording_ && calls_ == warm_up) record();
  if (recording_) return recording_->replay();
  ++calls_;
  MemoryArena::Scope scope(arena_);
  work_();
}

void Replay::record() {
  MemoryArena::Scope scope(arena_);
  on<Sim, Cuda>(device_, [&](auto& here) {
    begin_recording(here);
    try {
      work_();
    } catch (...) {
      forget_recording(here);
      throw;
    }
    recording_ = end_recording(here);
  });
}

}  // namespace tweed
