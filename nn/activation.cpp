#include "nn/activation.h"

#include "autograd/functions.h"

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
ActivationLayer GELU() { return {"GELU", gelu}; }
ActivationLayer SiLU() { return {"SiLU", silu}; }
ActivationLayer Mish() { return {"Mish", mish}; }
ActivationLayer Softplus() { return {"Softplus", softplus}; }
ActivationLayer Hardswish() { return {"Hardswish", hardswish}; }

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
    {"GELU", GELU},
    {"SiLU", SiLU},
    {"Mish", Mish},
    {"Softplus", Softplus},
    {"Hardswish", Hardswish},
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
