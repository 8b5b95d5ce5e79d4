#include "train/weight_perturbation.h"

#include "autograd/elementwise.h"
#include "autograd/reduce.h"
#include "kernels/machine/trace_notes.h"
#include "tensor/pool.h"

namespace tweed {

WeightPerturbation::WeightPerturbation(const ParameterBuffer& parameters, double gamma,
                                       Together together)
    : parameters_(parameters), gamma_(gamma), together_(std::move(together)) {
  const MemoryLabel label("weights kept");
  kept_ = parameters.zeros();
}

void WeightPerturbation::up(const Tensor& loss) {
  std::vector<Tensor> weights;  // as the network computes with them
  std::vector<Tensor> values;   // where the optimizer finds them
  for (auto& [name, t] : parameters_.parameters())
    if (t.ndim() >= 2) weights.push_back(t);
  for (auto& [name, t] : parameters_.parts(parameters_.values()))
    if (t.ndim() >= 2) values.push_back(t);
  const auto gradients = grad_of(together_.share < 1 ? loss * together_.share : loss, weights);
  const trace::Scope scope("weights moved up the loss", "attack");
  const NoGrad no_grad;
  kept_.copy_from(parameters_.values());
  constexpr double tiny = 1e-20;  // where the gradient is 0 nothing moves
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!gradients[i].defined()) continue;
    const Tensor& w = values[i];
    const Tensor g = cast(gradients[i], w.dtype());
    if (together_.sum) together_.sum(g);
    accumulate(w, g * (gamma_ * norm_l2(w) / (norm_l2(g) + tiny)));
  }
  parameters_.changed();
}

void WeightPerturbation::back() {
  const trace::Scope scope("weights moved back", "attack");
  Tensor(parameters_.values()).copy_from(kept_);
  parameters_.changed();
}

}  // namespace tweed
