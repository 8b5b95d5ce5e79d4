#include "explain/guided.h"

#include "autograd/describe.h"
#include "autograd/functions.h"
#include "autograd/reduce.h"
#include "nn/eval_mode.h"
#include "nn/forward_float.h"

namespace tweed {

// Layers say whether a ReLU is part of them.
static bool rectifies(const WatchedOperation& operation) {
  if (operation.name == "relu") return true;
  const auto found = operation.attributes.find("relu");
  return found != operation.attributes.end() && found->second.at(0) != 0;
}

// Where the gradient that comes back to a ReLU can be made positive. A pool's ReLU stands before
// its windows, which share pixels: there, what comes back to a pixel from all of them counts.
static Tensor rectified_by(const WatchedOperation& operation) {
  return operation.name == "max_pool2d" ? operation.inputs[0] : operation.output;
}

Tensor guided_gradient(Module& network, const Tensor& x, const Tensor& targets, ClassScore score) {
  const EvalMode eval(network);
  const Tensor leaf = x.clone();
  require_grad(leaf);
  Tensor logits;
  std::vector<Tensor> rectified;
  {
    const OperationWatch watch;
    logits = forward_float(network, leaf);
    for (auto& operation : watch.operations())
      if (rectifies(operation)) rectified.push_back(rectified_by(operation));
  }
  if (rectified.empty())
    throw Error("guided backpropagation is about ReLUs, and the network has none");
  // What comes back to a ReLU's result is made positive; the ReLU's own gradient does the rest.
  for (auto& y : rectified) on_gradient(y, [](const Tensor& dy) { return relu(dy); });
  return grad_of(sum(scores(logits, targets, score)), {leaf})[0];
}

}  // namespace tweed
