#include <omp.h>

#include <chrono>
#include <cstring>
#include <map>
#include <utility>

#include "kernels/machine/source_lines.h"
#include "kernels/machine/trace_notes.h"
#if TWEED_HAVE_CUDA
#include "kernels/machine/cuda/runtime.h"
#endif

namespace tweed::trace {
namespace {

using Clock = std::chrono::steady_clock;

struct State {
  Notes notes;
  Clock::time_point begin;
  std::size_t unclaimed = 0;        // calls before it belong to somebody else
  const char* algorithm = nullptr;  // of the Way that lives
  double flops = 0;                 // of ways, waiting for the operation that claims their calls
  bool within_call = false, within_way = false;
  int parts = 0;                // how many Parts live
  const void* layer = nullptr;  // of the Layer that lives

  double now() const { return std::chrono::duration<double>(Clock::now() - begin).count(); }
};
thread_local State state;

void wait(Cuda* here) {
#if TWEED_HAVE_CUDA
  if (here) cuda::synchronize(*here);
#else
  (void)here;
#endif
}

// A GPU's runtime knows its kernels' names in a stripped program too, and without addr2line.
std::string name_on_gpu(const Call& call) {
#if TWEED_HAVE_CUDA
  if (call.cuda) return cuda::kernel_name(call.kernel);
#else
  (void)call;
#endif
  return "";
}

}  // namespace

bool start(const Call& call) {
  if (state.within_call || omp_in_parallel()) return false;
  state.within_call = true;
  wait(call.cuda);
  TimedCall timed{call, state.algorithm};
  timed.begin = state.now();
  state.notes.calls.push_back(timed);
  return true;
}
void finish() {
  TimedCall& call = state.notes.calls.back();
  wait(call.cuda);
  call.seconds = state.now() - call.begin;
  state.within_call = false;
}

void begin() {
  if (on) throw Error("[trace] this thread traces already");
  state = {.parts = state.parts, .layer = state.layer};
  state.begin = Clock::now();
  on = true;
}
Notes end() {
  on = false;
  state.notes.seconds = state.now();
  return std::move(state.notes);
}

void claim(const char* name, const char* phase, std::string shapes) {
  if (state.parts > 0) return;
  Notes& notes = state.notes;
  const int index = int(notes.operations.size());
  Operation operation{name, phase, std::move(shapes), std::exchange(state.flops, 0.0), state.layer};
  if (std::strcmp(phase, "forward") == 0) notes.forward.push_back(operation);
  bool any = false;
  for (std::size_t i = state.unclaimed; i < notes.calls.size(); ++i) {
    TimedCall& call = notes.calls[i];
    if (call.operation >= 0) continue;
    call.operation = index;
    any = true;
  }
  if (any) notes.operations.push_back(std::move(operation));
  state.unclaimed = notes.calls.size();
}

Scope::Scope(const char* name, const char* phase) : active_(on), name_(name), phase_(phase) {
  if (!active_) return;
  begin_ = state.notes.calls.size();
  outer_ = std::exchange(state.unclaimed, begin_);
}
Scope::~Scope() {
  if (!active_ || !on) return;
  state.unclaimed = begin_;
  claim(name_, phase_, std::move(shapes_));
  state.unclaimed = outer_;
}

Layer::Layer(const void* layer) : outer_(std::exchange(state.layer, layer)) {}
Layer::~Layer() { state.layer = outer_; }

Parts::Parts() { ++state.parts; }
Parts::~Parts() { --state.parts; }

Way::Way(const char* algorithm, double flops) : active_(on && !state.within_way) {
  if (!active_) return;
  state.within_way = true;
  state.algorithm = algorithm;
  state.flops += flops;
}
Way::~Way() {
  if (!active_) return;
  state.within_way = false;
  state.algorithm = nullptr;
}

std::vector<std::string> names_of(const std::vector<TimedCall>& calls) {
  std::map<const void*, std::string> known;
  std::vector<const void*> kernels;  // those that the program itself has to tell
  for (auto& call : calls) {
    if (!call.kernel || !known.try_emplace(call.kernel).second) continue;
    std::string& name = known[call.kernel] = name_on_gpu(call);
    if (name.empty()) kernels.push_back(call.kernel);
  }
  const auto names = function_names(kernels);
  for (std::size_t i = 0; i < kernels.size(); ++i) known[kernels[i]] = names[i];
  std::vector<std::string> all;
  for (auto& call : calls) all.push_back(call.kernel ? known[call.kernel] : call.name);
  return all;
}

}  // namespace tweed::trace
