// What a step spends its time on: every operation with its shapes, what computed it, and how near
// that comes to what the device can do.
#pragma once
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "tensor/tensor.h"

namespace tweed {

/// A kernel or a call of a library, as it ran.
struct TracedCall {
  std::string name;       ///< "conv_tiled_forward", "oneDNN sgemm", "add_kernel<float>"
  std::string algorithm;  ///< of a convolution: "tiled"; else empty
  double begin = 0;       ///< seconds since the trace began
  double seconds = 0;
  int64_t bytes = 0;  ///< of the arrays that it was given, each once, scratch memory included
};

/// What somebody asked for, and the calls that it took.
struct TracedOperation {
  std::string name;    ///< as record() has it: "conv2d"; or "optimizer", "gradients added up", ...
  std::string phase;   ///< "forward", "backward", "attack", or "step" for the rest
  std::string shapes;  ///< "(64,3) (10,3) -> (64,10)"; of a backward pass "dy -> gradients"
  double flops = 0;    ///< multiplications and additions of products and convolutions, else 0
  std::vector<TracedCall> calls;
  /// The innermost Module that it was asked for in; null outside of all, and in backward passes.
  const void* layer = nullptr;

  double seconds() const;
  int64_t bytes() const;
};

/// Notes what this thread computes, from its construction to stop(). Each call is waited for, so
/// that its time is its own; a Replay does its work instead of repeating a recording.
///
///   Trace trace;
///   backward(cross_entropy(network(images), labels));
///   trace.stop();
///   std::cout << trace.table(images.device());
///
/// With the environment variable TWEED_TRACE=1, training prints the table of its fourth step on
/// stderr; with TWEED_TRACE=FILE.json it writes perfetto() there.
/// Destroyed on another thread without stop(), it leaves the first one tracing.
class Trace {
 public:
  /// @throws Error  if this thread traces already
  Trace();
  ~Trace();
  Trace(const Trace&) = delete;
  Trace& operator=(const Trace&) = delete;

  /// @throws Error  on another thread than that which made it
  void stop();
  /// All that follows is known after stop().
  const std::vector<TracedOperation>& operations() const { return operations_; }
  /// What was recorded on the way forward, in order, also what is made of other operations: without
  /// calls.
  const std::vector<TracedOperation>& forward() const { return forward_; }
  /// From the construction to stop().
  double seconds() const { return seconds_; }
  /// Milliseconds, share of the whole, megabytes, share of the device's limit, and what it was, on
  /// lines of at most `width` columns. Measures the device's limits, which takes half a second.
  /// @throws Error  before stop()
  std::string table(Device device, int width = 80) const;
  /// The same as JSON that https://ui.perfetto.dev and chrome://tracing open: operations, and
  /// within each its calls.
  std::string perfetto() const;

 private:
  bool running_ = true;
  std::thread::id thread_;
  double seconds_ = 0;
  std::vector<TracedOperation> operations_, forward_;
};

/// Says that a step to trace is to come: if none does, TWEED_TRACE is told so at the program's end.
void await_trace();
/// Calls `step` under a Trace and does with it what TWEED_TRACE says; just calls it if that is not
/// set, or has been answered before.
void trace_if_wanted(Device device, const std::function<void()>& step);

}  // namespace tweed
