#include "nn/trial.h"

#include "nn/eval_mode.h"
#include "nn/layers.h"

namespace tweed {
namespace {

// A module that was called and has not answered yet.
struct Call {
  std::string name;
  Module* module;
  Shape input;
};

std::string complaint(const Call& call, const Error& error) {
  const std::string text = call.module->description();
  const std::string layer = "layer " + call.name + " (" + text.substr(0, text.find('(')) + ") ";
  const Shape& got = call.input;
  if (const auto* linear = dynamic_cast<const Linear*>(call.module); linear && got.ndim() > 0) {
    const int64_t needed = linear->in_features(), last = got[got.ndim() - 1];
    if (last != needed)
      return layer + "needs " + std::to_string(needed) + " features and gets " +
             std::to_string(last) + ", of " + got.str();
  }
  return layer + "gets " + got.str() + ": " + error.what();
}

}  // namespace

Tensor zeros_for(const Module& network, const Shape& shape) {
  const auto parameters = network.parameters();
  if (parameters.empty()) return Tensor::zeros(shape);
  const Tensor& first = parameters.front().tensor;
  return Tensor::zeros(shape, first.dtype(), first.device());
}

Tensor try_out(Module& network, const Tensor& x) {
  std::vector<Call> open;
  std::vector<ScopedHook> hooks;
  for (auto& [name, module] : network.modules()) {
    hooks.emplace_back(*module,
                       module->on_input([&open, name = name, module = module](const Tensor& x) {
                         open.push_back({name, module, x.shape()});
                         return Tensor();
                       }));
    hooks.emplace_back(*module, module->on_output([&open](const Tensor&) {
      open.pop_back();
      return Tensor();
    }));
  }
  const EvalMode eval(network);
  try {
    return network(x);
  } catch (const Error& e) {
    if (open.empty() || open.back().name.empty()) throw;
    throw ShapeError(complaint(open.back(), e));
  }
}

Tensor output_for_zeros(Module& network, const Shape& input) {
  const NoGrad no_grad;
  return try_out(network, zeros_for(network, input));
}

}  // namespace tweed
