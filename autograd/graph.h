// Reverse-mode automatic differentiation: the graph behind tensors, and the walk back through it.
//
// A differentiable function computes its result with kernels and calls record(), which says how to
// go back. backward() then walks from a result to the leaves, newest operation first, and frees
// each one when it is done. First derivatives only. One thread at a time builds and walks a graph.
#pragma once
#include <functional>
#include <memory>
#include <sstream>
#include <string>
#include <type_traits>
#include <vector>

#include "tensor/tensor.h"

namespace tweed {

// ---- for users -----------------------------------------------------------------------------

/// Makes t a leaf whose gradient backward() computes into grad(t). Returns t.
/// @throws ShapeError  if t is not floating, or is the result of a recorded operation
const Tensor& require_grad(const Tensor& t);
/// Makes a leaf an ordinary tensor again; its gradient is forgotten. What was recorded before still
/// counts it as a leaf. @throws ShapeError  if t is the result of a recorded operation
void stop_grad(const Tensor& t);
/// Whether gradients flow to t: it is a leaf of require_grad(), or was computed from one.
bool requires_grad(const Tensor& t);

/// The gradient that backward() has accumulated in leaf t; undefined before the first.
Tensor grad(const Tensor& t);
/// Lets gradients of leaf t accumulate in `buffer`, of t's shape, dtype and device.
void set_grad(const Tensor& t, const Tensor& buffer);
/// Forgets the gradient of leaf t.
void clear_grad(const Tensor& t);

class GradientObserver;  // gradient_observer.h

/// Adds d(y)/d(leaf) to the gradient of each leaf that y was computed from.
///
/// @param y           a recorded result; one element, unless dy is given
/// @param dy          the gradient to start from, of y's shape, dtype and device; 1 by default
/// @param keep_graph  keeps what the walk needs, so that it can be repeated
/// @param observer    if given, hears of each leaf as soon as its last part is there
/// @throws ShapeError  "[backward] dy is (2) float64 on cpu, y is (2) float32 on cpu"
/// @throws Error       if an earlier walk has freed the graph, or a tensor that it had saved was
///                     changed in place since
void backward(const Tensor& y, bool keep_graph = false, const Tensor& dy = {},
              GradientObserver* observer = nullptr);

/// d(y)/d(t) for each of `tensors`, leaves or intermediate results, without touching any grad().
/// Only the operations between them and y run. Undefined where y does not depend on t.
std::vector<Tensor> grad_of(const Tensor& y, const std::vector<Tensor>& tensors,
                            bool keep_graph = false, const Tensor& dy = {});

/// While one lives, operations on this thread record nothing.
class NoGrad {
 public:
  NoGrad();
  ~NoGrad();
  NoGrad(const NoGrad&) = delete;
  NoGrad& operator=(const NoGrad&) = delete;

 private:
  bool before_;
};
bool grad_enabled();

/// Calls f with the gradient of t during each walk, once it is complete; a defined result of
/// its shape, dtype and device takes its place.
void on_gradient(const Tensor& t, std::function<Tensor(const Tensor&)> f);

// ---- for operations -------------------------------------------------------------------------

/// The tensors that an operation kept for its backward pass, in the order of save().
class Saved {
 public:
  Saved() = default;
  explicit Saved(const std::vector<Tensor>& tensors);
  /// @throws Error  if the tensor was changed in place since it was saved
  const Tensor& operator[](int i) const;
  const std::vector<Tensor>& all() const { return tensors_; }
  void check(const char* op) const;
  void clear() { tensors_.clear(); }

 private:
  std::vector<Tensor> tensors_;
  std::vector<uint32_t> versions_;
};
template <class... T>
std::vector<Tensor> save(const T&... t) {
  return {t...};
}

/// Which inputs' gradients anyone needs, and what they are added to.
class Want {
 public:
  using Begun = std::function<Tensor(int)>;
  explicit Want(uint64_t bits, const Begun* begun = nullptr, bool owns_dy = false)
      : owns_dy(owns_dy), bits_(bits), begun_(begun) {}
  bool operator[](int i) const { return bits_ >> i & 1; }
  /// Whether nobody reads dy after this operation, which may then write a result over it.
  const bool owns_dy;
  /// What others have begun as the gradient of input i, or an undefined tensor. An operation that
  /// asks adds its part to it in place, in the kernel that computes it, which saves a pass, and
  /// returns this very tensor; one that does not ask returns its part alone.
  Tensor begun(int i) const { return begun_ && (*this)[i] ? (*begun_)(i) : Tensor(); }

 private:
  uint64_t bits_;
  const Begun* begun_;
};

/// Where the gradient of input i goes: it `adds` to what others have begun, or fills new memory
/// like `like`. Undefined where nobody wants it.
struct Onto {
  Tensor t;
  bool adds;
  Onto(const Want& want, int i, const Tensor& like) : t(want.begun(i)), adds(t.defined()) {
    if (want[i] && !adds) t = Tensor::empty_like(like);
  }
};

/// A gradient for each input, in order; those that are not wanted may stay undefined.
using Grads = std::vector<Tensor>;
using BackwardFunction = std::function<Grads(const Saved&, const Tensor& dy, Want)>;

Tensor record_node(const char* op, const std::vector<Tensor>& inputs, const Tensor& y,
                   const std::vector<Tensor>& saved, BackwardFunction f);

/// Notes how y was computed from `inputs` (at most 64; undefined ones are passed over), and returns
/// y. `f` maps what was saved and dy to the inputs' gradients.
///
/// f may capture attributes (stride, padding, a random key) and nothing else, so that all tensors
/// that a graph holds are in `saved`. What is saved is detached: saving y makes no cycle.
template <class F>
Tensor record(const char* op, const std::vector<Tensor>& inputs, const Tensor& y,
              const std::vector<Tensor>& saved, F f) {
  static_assert(std::is_trivially_copyable_v<F>, "save() tensors instead of capturing them");
  return record_node(op, inputs, y, saved, std::move(f));
}

/// Throws ShapeError("[op] ...") with its arguments written one after another; shapes, dtypes and
/// devices print as such.
template <class... A>
[[noreturn]] void fail(const char* op, const A&... parts) {
  std::ostringstream text;
  text << "[" << op << "] ";
  auto put = [&](const auto& part) {
    using T = std::decay_t<decltype(part)>;
    if constexpr (std::is_same_v<T, Shape>)
      text << part.str();
    else if constexpr (std::is_same_v<T, DType>)
      text << name_of(part);
    else if constexpr (std::is_same_v<T, Device>)
      text << part.name();
    else
      text << part;
  };
  (put(parts), ...);
  throw ShapeError(text.str());
}
/// Checks that all defined tensors share dtype and device with the first.
void check_alike(const char* op, const std::vector<Tensor>& tensors);

/// y += x in place, for equal shapes, dtypes and devices.
void accumulate(const Tensor& y, const Tensor& x);

}  // namespace tweed
