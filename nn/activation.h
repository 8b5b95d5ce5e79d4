// Activations as modules, under PyTorch's class names.
#pragma once
#include <string>
#include <vector>

#include "nn/module.h"

namespace tweed {

/// A module without state that applies a function of autograd/functions.h.
class ActivationLayer : public Module {
 public:
  /// @param name  for printing
  ActivationLayer(std::string name, std::function<Tensor(const Tensor&)> f)
      : name_(std::move(name)), f_(std::move(f)) {}
  Tensor forward(const Tensor& x) override { return f_(x); }
  std::string description() const override { return name_; }

 private:
  std::string name_;
  std::function<Tensor(const Tensor&)> f_;
};

// Layers to be written where a network is: Sequential net{Linear(2, 16), ReLU(), Linear(16, 2)}.

ActivationLayer Identity();
ActivationLayer ReLU();
ActivationLayer LeakyReLU(double slope = 0.01);
ActivationLayer ELU(double alpha = 1);
ActivationLayer Sigmoid();
ActivationLayer Tanh();
/// @param approximate  by tanh, as gelu_tanh(); PyTorch's approximate="tanh"
ActivationLayer GELU(bool approximate = false);
ActivationLayer SiLU();
ActivationLayer Mish();
ActivationLayer Softplus();
ActivationLayer Hardswish();
ActivationLayer ReLU6();
ActivationLayer Hardsigmoid();
ActivationLayer Hardtanh(double low = -1, double high = 1);
/// Over channels, the last axis here: PyTorch's dim=1 of (N, C) and (N, C, H, W).
ActivationLayer Softmax();
ActivationLayer LogSoftmax();

/// x where it is positive, else a learned slope times x; see prelu().
/// Parameter: weight (channels, or 1 for one slope of all), filled with `slope`.
class PReLU : public Module {
 public:
  explicit PReLU(int64_t channels = 1, double slope = 0.25);
  Tensor forward(const Tensor& x) override;
  std::string description() const override;

 private:
  Tensor weight_;
};

/// One of them by its name, with its defaults.
/// @param name  one of activation_names(), such as "ReLU" or "Mish"
/// @throws Error  naming what there is
ModulePtr make_activation(const std::string& name);
std::vector<std::string> activation_names();

}  // namespace tweed
