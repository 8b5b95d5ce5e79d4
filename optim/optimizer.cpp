#include "optim/optimizer.h"

namespace tweed {

Optimizer::Optimizer(ParameterBuffer& parameters, double lr, const std::vector<std::string>& kinds)
    : parameters_(parameters), lr_(lr) {
  MemoryLabel label("optimizer");
  for (auto& kind : kinds) kept_.push_back({kind, parameters.zeros()});
}

void Optimizer::step() {
  steps_.fill(double(steps() + 1));
  for (auto& group : parameters_.groups()) {
    auto part_of = [&](const Tensor& buffer) { return buffer.slice(group.first, group.last); };
    Part part{lr_ * group.lr,
              group.weight_decay,
              steps(),
              part_of(parameters_.grads()),
              part_of(parameters_.values()),
              {}};
    for (auto& [kind, buffer] : kept_) part.kept.push_back(part_of(buffer));
    update(part);
  }
  parameters_.changed();
}

std::vector<Named> Optimizer::state() const {
  std::vector<Named> all{{"steps", steps_}};
  for (auto& [kind, buffer] : kept_)
    for (auto& [name, t] : parameters_.parts(buffer)) all.push_back({kind + "." + name, t});
  return all;
}

}  // namespace tweed
