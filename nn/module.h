// Module: a layer or network with named parameters, and the way to reach everything inside by name.
#pragma once
#include <concepts>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "autograd/graph.h"
#include "kernels/conv/pack_pixels.h"
#include "kernels/philox.h"

namespace tweed {

/// A tensor of a module with its dotted name, "conv1.weight".
struct Named {
  std::string name;
  Tensor tensor;
};

/// Where random numbers come from while a network trains: the same (seed, step) gives the same
/// dropout on every device. One for a whole network; see Module::set_random_step().
struct RandomStep {
  uint64_t seed = 0;
  uint32_t step = 0;
  Tensor clock = {};  ///< (1), int32, on the network's device; if given, its value is added to step
  /// The network sees `images` images of a batch, from `first` on, of which another process may see
  /// the others: each draws what it would within the whole batch. 0: it sees all.
  uint32_t first = 0, images = 0;
};

class BatchParts;  // autograd/norm.h
class Module;

/// A module to be moved, such as Linear(2, 16), or a shared_ptr to one.
template <class M>
concept Layer = (std::derived_from<M, Module> && !std::is_const_v<M>) ||
                std::convertible_to<M, std::shared_ptr<Module>>;

/// The shared_ptr that a layer is held by.
template <Layer M>
auto hold(M&& layer) {
  if constexpr (std::derived_from<M, Module>)
    return std::make_shared<M>(std::move(layer));
  else
    return std::decay_t<M>(std::forward<M>(layer));
}

/// A function with state. A subclass registers its parameters, buffers and children in its
/// constructor and computes in forward(). Names are PyTorch's.
///
/// Modules may be moved, as they are into a Sequential, before anybody refers to them; they are not
/// copied. Not thread-safe.
class Module {
 public:
  Module() = default;
  Module(Module&&) = default;
  Module& operator=(Module&&) = delete;
  virtual ~Module() = default;

  virtual Tensor forward(const Tensor& x) = 0;
  /// forward(), and the hooks around it.
  /// @throws ShapeError  of a layer inside, with its name: "[conv2d] weight is ..., in layer conv2"
  Tensor operator()(const Tensor& x);

  /// All parameters, in order of registration, a module's own before its children's.
  std::vector<Named> parameters() const;
  /// All buffers: state that is saved but not trained, such as running statistics.
  std::vector<Named> buffers() const;
  /// Parameters and buffers under their names: what a checkpoint holds.
  std::vector<Named> state() const;
  /// Names of weights (A, 1, K, B) that files have without the axis of 1, as PyTorch's Conv1d.
  std::set<std::string> without_rows() const;
  int64_t parameter_count() const;
  /// Without the children's.
  int64_t own_parameter_count() const;

  /// Whether dropout and batch norm behave as in training; applies to all children.
  void train(bool on = true);
  void eval() { train(false); }
  bool training() const { return training_; }

  /// The dtype that the network computes in: its first parameter's; float32 if it has none.
  DType dtype() const;
  /// Moves parameters, their gradients and buffers, before an optimizer takes the parameters.
  void to(Device device);
  /// Casts them (buffers to float32 for bfloat16, as norms need) but integers; before an optimizer,
  /// too. To train in bfloat16 with float32 masters, give a ParameterBuffer that dtype instead.
  /// @throws ShapeError  "[module] a network does not compute in int32", with advice for float16
  void to(DType dtype);
  /// Where parameters and buffers are; the cpu if there are none.
  Device device() const;
  /// The step that dropout draws its numbers for; applies to all children.
  void set_random_step(const RandomStep& random);
  const RandomStep& random_step() const { return random_; }
  /// Batch norms take the statistics of a batch of which other processes have parts, until they are
  /// told null. Must outlive what is computed with it; applies to all children.
  void set_batch_parts(const BatchParts* parts);

  /// This module, called "", and everything inside by its dotted name, parents first.
  std::vector<std::pair<std::string, Module*>> modules();
  /// A child by its dotted name; "" is the module itself. @throws Error naming what there is
  Module& find(const std::string& name);
  using Hook = std::function<Tensor(const Tensor&)>;
  /// Calls f with each input of this module; a defined result takes its place. Returns a number for
  /// remove_hook().
  int on_input(Hook f);
  /// Calls f with each output of this module; a defined result takes its place. To look on, there
  /// is Watch in nn/watch.h.
  int on_output(Hook f);
  /// Calls f with the gradient of each output of this module; a defined result takes its place.
  int on_output_gradient(Hook f);
  /// Forgets a hook; gradients of what was computed before still pass it.
  void remove_hook(int number);
  void clear_hooks();

  /// "Conv2d(3, 64, kernel 7, stride 2, padding 3)", for printing.
  virtual std::string description() const = 0;
  /// How images (N, H, W, C) may lie that a convolution of it, and nothing else, reads:
  /// PackedImages.
  virtual Packing image_packing(const Shape& images) const { return plain_pixels(images[3]); }
  /// Multiply-adds of the forward pass that gave `output`, without the children's.
  virtual int64_t multiply_adds(const Shape& /*output*/) const { return 0; }
  /// The module and its children, a line each.
  std::string str() const;

 protected:
  Tensor add_parameter(const std::string& name, const Tensor& t);
  Tensor add_buffer(const std::string& name, const Tensor& t);
  /// Puts a parameter of this name among without_rows().
  void leave_out_rows(const std::string& name) { rows_left_out_.insert(name); }
  /// Registers a child, held or to be held by a shared_ptr; returns that:
  ///   conv_ = add_child("conv", Conv2d(3, 64, 7));
  template <Layer M>
  auto add_child(const std::string& name, M&& child) {
    auto held = hold(std::forward<M>(child));
    children_.emplace_back(name, held);
    return held;
  }
  /// A key for random numbers that no other layer, step or seed shares.
  RandomKey random_key(Purpose purpose) const {
    return {random_.seed, purpose, random_.step, layer_, random_.first, random_.images};
  }
  const Tensor& random_clock() const { return random_.clock; }
  const BatchParts* batch_parts() const { return batch_parts_; }

 private:
  template <class F>
  void for_each(const std::string& prefix, F f) const;
  void number_layers(uint32_t& next);
  void print(std::string& out, const std::string& name, int depth) const;
  Tensor hooked_forward(const Tensor& x);
  std::string name_inside(const Module* m) const;

  std::vector<Named> parameters_, buffers_;
  std::set<std::string> rows_left_out_;
  std::vector<std::pair<std::string, std::shared_ptr<Module>>> children_;
  std::map<int, Hook> input_hooks_, output_hooks_, gradient_hooks_;
  int hooks_made_ = 0;
  RandomStep random_;
  const BatchParts* batch_parts_ = nullptr;
  uint32_t layer_ = 0;
  bool training_ = true;
};

/// Removes a hook at the end of its own life, which must come before the module's.
class ScopedHook {
 public:
  ScopedHook(Module& module, int number) : module_(&module), number_(number) {}
  ScopedHook(ScopedHook&& other) noexcept
      : module_(std::exchange(other.module_, nullptr)), number_(other.number_) {}
  ScopedHook& operator=(ScopedHook&&) = delete;
  ~ScopedHook() {
    if (module_) module_->remove_hook(number_);
  }

 private:
  Module* module_;
  int number_;
};

using ModulePtr = std::shared_ptr<Module>;

}  // namespace tweed
