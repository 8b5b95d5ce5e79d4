// What trace.h notes, and the operations that made the calls.
#pragma once
#include <string>
#include <vector>

#include "kernels/machine/trace.h"

namespace tweed::trace {

/// A call as it ran.
struct TimedCall : Call {
  const char* algorithm = nullptr;  ///< of the Way that it ran in, if any
  double begin = 0, seconds = 0;    ///< `begin` counts from begin()
  int operation = -1;               ///< index of the one that wanted it
};

/// What made calls.
struct Operation {
  std::string name;    ///< "conv2d", as record() has it
  const char* phase;   ///< "forward", "backward", "attack" or "step"
  std::string shapes;  ///< "(2,3) (4,3) -> (2,4)"
  double flops = 0;    ///< of its ways
  const void* layer;   ///< of the innermost Layer
};

struct Notes {
  std::vector<TimedCall> calls;
  std::vector<Operation> operations;
  std::vector<Operation> forward;  ///< all of that phase in order, also those without calls
  double seconds = 0;              ///< from begin() to end()
};

/// Notes this thread's calls from here on. @throws Error  if it does so already
void begin();
Notes end();

/// Gives a new operation the calls that nobody has claimed yet.
void claim(const char* name, const char* phase, std::string shapes = {});

/// Gives an operation the calls made while this lives, as far as nobody else claims them.
class Scope {
 public:
  Scope(const char* name, const char* phase);
  ~Scope();
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;
  void set_shapes(std::string shapes) { shapes_ = std::move(shapes); }

 private:
  bool active_;
  const char *name_, *phase_;
  std::string shapes_;
  std::size_t begin_ = 0, outer_ = 0;
};

/// Operations that are made while this lives belong to what `layer` points to.
class Layer {
 public:
  explicit Layer(const void* layer);
  ~Layer();
  Layer(const Layer&) = delete;
  Layer& operator=(const Layer&) = delete;

 private:
  const void* outer_;
};

/// Operations that are made while this lives are parts of the one that is recorded after it.
class Parts {
 public:
  Parts();
  ~Parts();
  Parts(const Parts&) = delete;
  Parts& operator=(const Parts&) = delete;
};

/// Calls made while this lives are those of an algorithm, or of none with a name, which does so
/// many multiplications and additions in all. The outermost counts.
class Way {
 public:
  Way(const char* algorithm, double flops);
  ~Way();
  Way(const Way&) = delete;
  Way& operator=(const Way&) = delete;

 private:
  bool active_;
};

/// "conv2d_kernel<float>"; "kernel" where nothing is known of it.
std::vector<std::string> names_of(const std::vector<TimedCall>& calls);

}  // namespace tweed::trace
