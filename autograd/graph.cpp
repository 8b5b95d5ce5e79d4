#include "autograd/graph.h"

#include <cstdint>
#include <map>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "autograd/checks.h"
#include "autograd/describe.h"
#include "autograd/gradient_observer.h"
#include "autograd/leaf_additions.h"
#include "autograd/node.h"
#include "autograd/non_finite.h"
#include "autograd/saved_memory.h"
#include "autograd/shapes_text.h"
#include "kernels/machine/trace_notes.h"

namespace tweed {
namespace {

thread_local bool recording = true;

uint64_t next_id() {
  static std::atomic<uint64_t> last{0};
  return ++last;
}

NodePtr leaf_of(const Tensor& t, const char* op) {
  NodePtr node = node_of(t);
  if (!node || !node->leaf) fail(op, "the tensor of shape ", t.shape(), " is not a leaf");
  return node;
}

// The nodes through which gradients must pass to reach the targets.
std::unordered_set<Node*> paths_to(const std::unordered_set<Node*>& targets, const NodePtr& root) {
  std::map<uint64_t, Node*> by_age;
  visit(root, [&](Node& node) { by_age[node.id] = &node; });
  std::unordered_set<Node*> needed;
  for (auto& [id, node] : by_age) {
    bool on_path = targets.count(node) > 0;
    for (auto& input : node->inputs) on_path |= input && needed.count(input.get());
    if (on_path) needed.insert(node);
  }
  return needed;
}

// As all new memory is: kernels may count on it for results.
bool is_aligned(const Tensor& t) { return reinterpret_cast<std::uintptr_t>(t.address()) % 16 == 0; }

class Walk {
 public:
  Walk(bool keep_graph, const std::unordered_set<Node*>* targets, const NodePtr& root,
       GradientObserver* observer = nullptr)
      : keep_graph_(keep_graph), targets_(targets), observer_(observer), saved_(root) {
    if (targets_) needed_ = paths_to(*targets_, root);
    if (observer_) visit(root, [&](Node& node) { count_uses(node); });
  }
  void run(const NodePtr& root, const Tensor& dy) {
    const trace::Scope scope("gradients added up", "backward");
    add(root, dy);
    while (!pending_.empty()) go_back(pending_.begin());
    finish_additions();
  }
  Tensor result(Node* node) { return results_[node]; }

 private:
  using Pending = std::map<uint64_t, std::pair<NodePtr, Tensor>, std::greater<>>;

  void go_back(Pending::iterator at) {
    auto [node, grad] = std::move(at->second);
    pending_.erase(at);
    for (auto& hook : node->hooks)
      if (Tensor changed = hook(grad); changed.defined()) {
        check_fits("on_gradient", "the result", changed, "the gradient", grad);
        grad = changed;
      }
    if (targets_ && targets_->count(node.get())) results_[node.get()] = grad;
    node->leaf ? finish_leaf(*node, grad) : step(*node, std::move(grad));
  }
  void count_uses(const Node& node) {
    for (auto& input : node.inputs)
      if (input && input->leaf) ++uses_[input.get()];
  }
  // Leaves are older than what was computed from them, so the walk comes to them last. With an
  // observer they are finished once the last operation that uses them has gone back.
  void finish_unused(const std::vector<NodePtr>& inputs) {
    for (auto& input : inputs) {
      if (!input || !input->leaf || --uses_.at(input.get()) > 0) continue;
      if (auto place = pending_.find(input->id); place != pending_.end()) go_back(place);
      if (input->grad.defined()) complete_.push_back(input->grad);
    }
    if (!complete_.empty()) finish_additions();
    observer_->worked();
  }
  void finish_additions() {
    leaf_additions_.finish();
    for (auto& gradient : std::exchange(complete_, {})) observer_->complete(gradient);
  }
  bool wanted(const NodePtr& node) const {
    return node && (!targets_ || needed_.count(node.get()));
  }
  void add(const NodePtr& node, Tensor grad) {
    auto place = pending_.find(node->id);
    if (place == pending_.end()) {
      pending_.emplace(node->id, std::pair(node, std::move(grad)));
      return;
    }
    Tensor& sum = place->second.second;  // perhaps shared: an addition gives dy to both inputs
    if (!sum.owns_storage()) sum = sum.clone();
    accumulate(sum, grad);
  }
  void finish_leaf(Node& leaf, const Tensor& grad) {
    if (targets_) return;
    leaf.grad.defined() ? leaf_additions_.add(leaf.grad, grad) : void(leaf.grad = grad.clone());
  }
  void step(Node& node, Tensor dy) {
    if (node.freed)
      throw Error(std::string("[backward] the graph was freed by an earlier walk (at ") + node.op +
                  "); pass keep_graph to the first one to walk it again");
    uint64_t bits = 0;
    for (std::size_t i = 0; i < node.inputs.size(); ++i)
      bits |= uint64_t(wanted(node.inputs[i])) << i;
    if (bits) {
      node.saved.check(node.op);
      MemoryLabel label(node.op);
      std::vector<Tensor> given(node.inputs.size());  // sums that the operation has asked for
      const Want::Begun begun = [&](int i) {
        const auto at = std::size_t(i);
        if (!given[at].defined()) given[at] = begun_sum(node, at, dy, given);
        return given[at];
      };
      Grads grads = backward_of(node, dy, Want(bits, &begun, dy.owns_storage()));
      look_at_gradients(node.op, node.module, grads);
      dy = {};
      for (std::size_t i = 0; i < node.inputs.size(); ++i) {
        if (!(bits >> i & 1)) continue;
        if (i >= grads.size() || !grads[i].defined() || grads[i].shape() != node.inputs[i]->shape)
          throw Error(std::string("[") + node.op +
                      "] its backward gave no fitting gradient for input " + std::to_string(i));
        if (given[i].defined() && grads[i].same(given[i]))
          grads[i].changed();
        else
          add(node.inputs[i], std::move(grads[i]));
      }
    }
    const std::vector<NodePtr> inputs = observer_ ? node.inputs : std::vector<NodePtr>();
    if (!keep_graph_) release(node);
    if (observer_) finish_unused(inputs);
  }
  // The sum that an operation may add its gradient of input i to: what others have given in this
  // walk, else a leaf's buffer. Nobody else knows it, but the same input may stand there twice.
  Tensor begun_sum(const Node& node, std::size_t i, const Tensor& dy,
                   const std::vector<Tensor>& given) {
    const Node& input = *node.inputs[i];
    if (auto place = pending_.find(input.id); place != pending_.end()) {
      Tensor& sum = place->second.second;
      for (auto& t : given)
        if (t.defined() && t.same(sum)) return sum;
      if (!sum.owns_storage() || !is_aligned(sum)) sum = sum.clone();
      return sum;
    }
    const Tensor& buffer = input.grad;
    const bool adds_up = input.leaf && !targets_ && input.hooks.empty() && buffer.defined();
    if (!adds_up || LeafAdditions::puts_off(buffer) || !is_aligned(buffer)) return {};
    // Whoever computes with a gradient's memory might read it after it has changed.
    return overlap(buffer, dy) || saved_.holds(buffer) ? Tensor() : buffer;
  }
  // Operations that a backward pass is made of are parts of it.
  static Grads backward_of(Node& node, const Tensor& dy, Want want) {
    trace::Scope scope(node.op, "backward");
    const trace::Parts parts;
    Grads grads = node.backward(node.saved, dy, want);
    if (trace::on) scope.set_shapes(shapes_text(dy.shape(), grads));
    return grads;
  }
  static void release(Node& node) {
    node.freed = true;
    node.saved.clear();
    node.backward = nullptr;
    Node keeper;  // its destructor frees what nothing else holds
    keeper.inputs = std::move(node.inputs);
  }

  bool keep_graph_;
  const std::unordered_set<Node*>* targets_;
  GradientObserver* observer_;
  std::unordered_map<const Node*, int> uses_;  // of leaves, that have not gone back yet
  std::vector<Tensor> complete_;               // gradients, once put-off additions are made
  std::unordered_set<Node*> needed_;
  const SavedMemory saved_;
  Pending pending_;
  std::unordered_map<Node*, Tensor> results_;
  LeafAdditions leaf_additions_;
};

Tensor start_of(const Tensor& y, const Tensor& dy, const char* op) {
  if (!node_of(y))
    fail(op, "the tensor of shape ", y.shape(),
         " depends on no tensor that requires gradients; operations inside NoGrad, and gradients "
         "themselves, are not recorded (first derivatives only)");
  if (dy.defined()) {
    check_fits(op, "dy", dy, "y", y);
    return dy.clone();  // it might be a leaf's gradient, to which the walk adds
  }
  if (y.size() != 1) fail(op, "y is ", y.shape(), ": give dy, or reduce y to one element");
  return Tensor::full(y.shape(), 1, y.dtype(), y.device());
}

}  // namespace

const Tensor& require_grad(const Tensor& t) {
  if (!is_floating(t.dtype())) fail("require_grad", "a ", t.dtype(), " tensor has no gradient");
  if (NodePtr node = node_of(t)) {
    if (!node->leaf) fail("require_grad", "the tensor is the result of ", node->op);
    return t;
  }
  auto node = std::make_shared<Node>();
  node->id = next_id();
  node->leaf = true;
  node->shape = t.shape();
  t.attach(node);
  return t;
}
void stop_grad(const Tensor& t) {
  if (!requires_grad(t)) return;
  leaf_of(t, "stop_grad");
  t.attach(nullptr);
}
bool requires_grad(const Tensor& t) { return node_of(t) != nullptr; }

Tensor grad(const Tensor& t) { return leaf_of(t, "grad")->grad; }
void set_grad(const Tensor& t, const Tensor& buffer) {
  check_fits("set_grad", "the buffer", buffer, "the leaf", t);
  leaf_of(t, "set_grad")->grad = buffer;
}
void clear_grad(const Tensor& t) { leaf_of(t, "clear_grad")->grad = {}; }

void backward(const Tensor& y, bool keep_graph, const Tensor& dy, GradientObserver* observer) {
  Tensor start = start_of(y, dy, "backward");
  NoGrad no_grad;
  Walk(keep_graph, nullptr, node_of(y), observer).run(node_of(y), start);
}

std::vector<Tensor> grad_of(const Tensor& y, const std::vector<Tensor>& tensors, bool keep_graph,
                            const Tensor& dy) {
  Tensor start = start_of(y, dy, "grad_of");
  NoGrad no_grad;
  std::unordered_set<Node*> targets;
  for (auto& t : tensors) {
    if (!node_of(t)) fail("grad_of", "a tensor of shape ", t.shape(), " requires no gradient");
    targets.insert(node_of(t).get());
  }
  Walk walk(keep_graph, &targets, node_of(y));
  walk.run(node_of(y), start);
  std::vector<Tensor> grads;
  for (auto& t : tensors) grads.push_back(walk.result(node_of(t).get()));
  return grads;
}

NoGrad::NoGrad() : before_(recording) { recording = false; }
NoGrad::~NoGrad() { recording = before_; }
bool grad_enabled() { return recording; }

void on_gradient(const Tensor& t, std::function<Tensor(const Tensor&)> f) {
  NodePtr node = node_of(t);
  if (!node) fail("on_gradient", "the tensor of shape ", t.shape(), " requires no gradient");
  node->hooks.push_back(std::move(f));
}

Tensor record_node(const char* op, const std::vector<Tensor>& inputs, const Tensor& y,
                   const std::vector<Tensor>& saved, BackwardFunction f) {
  if (trace::on) trace::claim(op, "forward", shapes_text(inputs, y.shape()));
  look_at_result(op, inputs, y);
  bool any = false;
  for (auto& t : inputs) any |= requires_grad(t);
  if (!recording || !any) return y;
  auto node = std::make_shared<Node>();
  node->op = op;
  node->id = next_id();
  node->shape = y.shape();
  for (auto& t : inputs) node->inputs.push_back(node_of(t));
  node->saved = Saved(saved);
  node->backward = std::move(f);
  Tensor result = y.attachment() ? y.detach() : y;
  result.attach(node);
  if (is_watched()) OperationWatch::current()->note(op, inputs, result);
  return result;
}

}  // namespace tweed
