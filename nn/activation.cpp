#include "nn/activation.h"

#include "autograd/elementwise.h"
#include "autograd/loss.h"

namespace tweed {

ActivationLayer Identity() {
  return {"Identity", [](const Tensor& x) { return x; }};
}
ActivationLayer ReLU() { return {"ReLU", relu}; }
ActivationLayer LeakyReLU(double slope) {
  return {"LeakyReLU", [slope](const Tensor& x) { return leaky_relu(x, slope); }};
}
ActivationLayer ELU(double alpha) {
  return {"ELU", [alpha](const Tensor& x) { return elu(x, alpha); }};
}
ActivationLayer Sigmoid() { return {"Sigmoid", sigmoid}; }
ActivationLayer Tanh() { return {"Tanh", tanh}; }
ActivationLayer GELU(bool approximate) {
  if (approximate) return {"GELU(tanh)", gelu_tanh};
  return {"GELU", gelu};
}
ActivationLayer SiLU() { return {"SiLU", silu}; }
ActivationLayer Mish() { return {"Mish", mish}; }
ActivationLayer Softplus() { return {"Softplus", softplus}; }
ActivationLayer Hardswish() { return {"Hardswish", hardswish}; }
ActivationLayer ReLU6() { return {"ReLU6", relu6}; }
ActivationLayer Hardsigmoid() { return {"Hardsigmoid", hardsigmoid}; }
ActivationLayer Hardtanh(double low, double high) {
  if (!(low < high))
    throw Error("Hardtanh: from " + std::to_string(low) + " to " + std::to_string(high));
  return {"Hardtanh", [=](const Tensor& x) { return hardtanh(x, low, high); }};
}
ActivationLayer Softmax() { return {"Softmax", softmax}; }
ActivationLayer LogSoftmax() { return {"LogSoftmax", log_softmax}; }

PReLU::PReLU(int64_t channels, double slope) {
  weight_ = add_parameter("weight", Tensor::full({channels}, slope));
}
Tensor PReLU::forward(const Tensor& x) { return prelu(x, weight_); }
std::string PReLU::description() const { return "PReLU(" + std::to_string(weight_.dim(0)) + ")"; }

namespace {

struct Row {
  const char* name;
  ActivationLayer (*make)();
};
const Row rows[] = {
    {"Identity", Identity},
    {"ReLU", ReLU},
    {"LeakyReLU", [] { return LeakyReLU(); }},
    {"ELU", [] { return ELU(); }},
    {"Sigmoid", Sigmoid},
    {"Tanh", Tanh},
    {"GELU", [] { return GELU(); }},
    {"SiLU", SiLU},
    {"Mish", Mish},
    {"Softplus", Softplus},
    {"Hardswish", Hardswish},
    {"ReLU6", ReLU6},
    {"Hardsigmoid", Hardsigmoid},
    {"Hardtanh", [] { return Hardtanh(); }},
    {"Softmax", Softmax},
    {"LogSoftmax", LogSoftmax},
};

}  // namespace

std::vector<std::string> activation_names() {
  std::vector<std::string> names;
  for (auto& row : rows) names.emplace_back(row.name);
  return names;
}

ModulePtr make_activation(const std::string& name) {
  for (auto& row : rows)
    if (name == row.name) return hold(row.make());
  std::string known;
  for (auto& row : rows) known.append(known.empty() ? "" : ", ").append(row.name);
  throw Error("there is no activation " + in_quotes(name) + "; there are " + known);
}

}  // namespace tweed
