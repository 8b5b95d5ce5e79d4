#include "nn/activation.h"

#include "autograd/functions.h"

namespace tweed {
namespace {

struct Row {
  const char* name;
  Tensor (*f)(const Tensor&);
};
const Row rows[] = {
    {"Identity", [](const Tensor& x) { return x; }},
    {"ReLU", relu},
    {"LeakyReLU", [](const Tensor& x) { return leaky_relu(x); }},
    {"ELU", [](const Tensor& x) { return elu(x); }},
    {"Sigmoid", sigmoid},
    {"Tanh", tanh},
    {"GELU", gelu},
    {"SiLU", silu},
    {"Mish", mish},
    {"Softplus", softplus},
    {"Hardswish", hardswish},
};

class ActivationLayer : public Module {
 public:
  explicit ActivationLayer(const Row& row) : row_(row) {}
  Tensor forward(const Tensor& x) override { return row_.f(x); }
  std::string description() const override { return row_.name; }

 private:
  const Row& row_;
};

}  // namespace

std::vector<std::string> activation_names() {
  std::vector<std::string> names;
  for (auto& row : rows) names.emplace_back(row.name);
  return names;
}

ModulePtr make_activation(const std::string& name) {
  for (auto& row : rows)
    if (name == row.name) return std::make_shared<ActivationLayer>(row);
  std::string known;
  for (auto& row : rows) known.append(known.empty() ? "" : ", ").append(row.name);
  throw Error("there is no activation " + in_quotes(name) + "; there are " + known);
}

}  // namespace tweed
