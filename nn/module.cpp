#include "nn/module.h"

#include "autograd/non_finite.h"
#include "nn/layer_notes.h"
#include "nn/weight_limit.h"

namespace tweed {

static Tensor passed_through(const std::map<int, Module::Hook>& hooks, Tensor t) {
  for (auto& [number, hook] : hooks)
    if (Tensor changed = hook(t); changed.defined()) t = changed;
  return t;
}

namespace {

// A ShapeError on its way out of a network, with the layer that it came from. Each module around
// that layer knows one more part of its name.
struct LayerShapeError : ShapeError {
  LayerShapeError(const std::string& what, const Module* from, const std::string& name)
      : ShapeError(name.empty() ? what : what + ", in layer " + name), bare(what), layer(from) {}
  std::string bare;  // the message without the name
  const Module* layer;
};

}  // namespace

Tensor Module::operator()(const Tensor& x) {
  const OfModule of_this(this);
  LayerScope scope(*this, x.device());
  try {
    return scope.noted(hooked_forward(x));
  } catch (const LayerShapeError& e) {
    const std::string name = name_inside(e.layer);
    // A layer that was never registered as a child has no name: this module stands for it.
    throw LayerShapeError(e.bare, name.empty() ? this : e.layer, name);
  } catch (const ShapeError& e) {
    throw LayerShapeError(e.what(), this, "");
  }
}
std::string Module::name_inside(const Module* m) const {
  std::string found;
  for_each("", [&](auto& name, const Module& other) {
    if (&other == m) found = name;
  });
  return found;
}

Tensor Module::hooked_forward(const Tensor& x) {
  const Tensor y = passed_through(output_hooks_, forward(passed_through(input_hooks_, x)));
  if (requires_grad(y))
    for (auto& [number, hook] : gradient_hooks_) on_gradient(y, hook);
  return y;
}

// Calls f(prefix, module) for this module and everything inside, parents first.
template <class F>
void Module::for_each(const std::string& prefix, F f) const {
  f(prefix, *this);
  for (auto& [name, child] : children_)
    child->for_each(prefix.empty() ? name : prefix + "." + name, f);
}

static void append(std::vector<Named>& to, const std::string& prefix,
                   const std::vector<Named>& from) {
  for (auto& [name, tensor] : from)
    to.push_back({prefix.empty() ? name : prefix + "." + name, tensor});
}

std::vector<Named> Module::parameters() const {
  std::vector<Named> all;
  for_each("", [&](auto& prefix, const Module& m) { append(all, prefix, m.parameters_); });
  return all;
}
std::vector<Named> Module::buffers() const {
  std::vector<Named> all;
  for_each("", [&](auto& prefix, const Module& m) { append(all, prefix, m.buffers_); });
  return all;
}
std::vector<Named> Module::state() const {
  std::vector<Named> all;
  for_each("", [&](auto& prefix, const Module& m) {
    append(all, prefix, m.parameters_);
    append(all, prefix, m.buffers_);
  });
  return all;
}
std::set<std::string> Module::without_rows() const {
  std::set<std::string> all;
  for_each("", [&](auto& prefix, const Module& m) {
    for (auto& name : m.rows_left_out_) all.insert(prefix.empty() ? name : prefix + "." + name);
  });
  return all;
}
static int64_t elements(const std::vector<Named>& tensors) {
  int64_t count = 0;
  for (auto& t : tensors) count += t.tensor.size();
  return count;
}
int64_t Module::parameter_count() const { return elements(parameters()); }
int64_t Module::own_parameter_count() const { return elements(parameters_); }

void Module::train(bool on) {
  training_ = on;
  for (auto& [name, child] : children_) child->train(on);
}

// Copies a tensor, and the gradient that it may have, to where and what it is to be from now on.
static void move_tensor(const Tensor& t, DType dtype, Device device) {
  if (t.dtype() == dtype && t.device() == device) return;
  const Tensor gradient = requires_grad(t) ? grad(t) : Tensor();
  t.move_into(Tensor::empty(t.shape(), dtype, device));
  if (gradient.defined()) set_grad(t, gradient.to(device).to(dtype));
}

void Module::to(Device device) {
  for (auto& [name, t] : state()) move_tensor(t, t.dtype(), device);
}
void Module::to(DType dtype) {
  if (dtype == DType::float16)
    fail("module",
         "a network does not compute in float16, which is for keeping numbers: convert to "
         "float32 or bfloat16, or have files hold its weights in half (WeightsAs::half)");
  if (!is_floating(dtype)) fail("module", "a network does not compute in ", dtype);
  for (auto& [name, t] : parameters()) move_tensor(t, dtype, t.device());
  const DType of_buffers = dtype == DType::bfloat16 ? DType::float32 : dtype;
  for (auto& [name, t] : buffers())
    if (is_floating(t.dtype())) move_tensor(t, of_buffers, t.device());
}

DType Module::dtype() const {
  if (!parameters_.empty()) return parameters_[0].tensor.dtype();
  for (auto& [name, child] : children_)
    if (child->parameter_count()) return child->dtype();
  return DType::float32;
}

Device Module::device() const {
  const auto all = state();
  return all.empty() ? Device() : all[0].tensor.device();
}

// Layers are numbered in order of the network, so that no two draw the same numbers.
void Module::set_random_step(const RandomStep& random) {
  uint32_t next = 0;
  number_layers(next);
  for_each("", [&](auto&, const Module& m) { const_cast<Module&>(m).random_ = random; });
}
void Module::set_batch_parts(const BatchParts* parts) {
  for_each("", [&](auto&, const Module& m) { const_cast<Module&>(m).batch_parts_ = parts; });
}
void Module::number_layers(uint32_t& next) {
  layer_ = next++;
  for (auto& [name, child] : children_) child->number_layers(next);
}

std::vector<std::pair<std::string, Module*>> Module::modules() {
  std::vector<std::pair<std::string, Module*>> all;
  for_each("",
           [&](auto& name, const Module& m) { all.emplace_back(name, const_cast<Module*>(&m)); });
  return all;
}

Module& Module::find(const std::string& name) {
  if (name.empty()) return *this;
  std::string head = name.substr(0, name.find('.'));
  std::string known;
  for (auto& [child_name, child] : children_) {
    if (child_name == head)
      return child->find(name.size() > head.size() ? name.substr(head.size() + 1) : "");
    known += (known.empty() ? "" : ", ") + child_name;
  }
  throw Error("there is no module " + in_quotes(head) + " here; there is " +
              (known.empty() ? "none" : printable(known, 400)));
}

int Module::on_input(Hook f) {
  input_hooks_[++hooks_made_] = std::move(f);
  return hooks_made_;
}
int Module::on_output(Hook f) {
  output_hooks_[++hooks_made_] = std::move(f);
  return hooks_made_;
}
int Module::on_output_gradient(Hook f) {
  gradient_hooks_[++hooks_made_] = std::move(f);
  return hooks_made_;
}
void Module::remove_hook(int number) {
  input_hooks_.erase(number);
  output_hooks_.erase(number);
  gradient_hooks_.erase(number);
}
void Module::clear_hooks() {
  input_hooks_.clear();
  output_hooks_.clear();
  gradient_hooks_.clear();
}

std::string Module::str() const {
  std::string out;
  print(out, "", 0);
  return out;
}
void Module::print(std::string& out, const std::string& name, int depth) const {
  out += std::string(std::size_t(2 * depth), ' ') + (name.empty() ? "" : name + ": ") +
         description() + "\n";
  for (auto& [child_name, child] : children_) child->print(out, child_name, depth + 1);
}

Tensor Module::add_parameter(const std::string& name, const Tensor& t) {
  WeightLimit::take(t.shape());
  require_grad(t);
  parameters_.push_back({name, t});
  return t;
}
Tensor Module::add_buffer(const std::string& name, const Tensor& t) {
  WeightLimit::take(t.shape());
  buffers_.push_back({name, t});
  return t;
}

}  // namespace tweed
