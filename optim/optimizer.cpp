#include "optim/optimizer.h"

#include "optim/arguments.h"

namespace tweed {

Optimizer::Optimizer(const Optimized& parameters, double lr, const std::vector<std::string>& kinds)
    : parameters_(parameters.buffer) {
  set_lr(lr);
  MemoryLabel label("optimizer");
  for (auto& kind : kinds) kept_.push_back({kind, parameters_->zeros()});
  numbers_ = Tensor::zeros({int64_t(parameters_->groups().size()), StepNumbers::count},
                           DType::float64, parameters_->values().device());
}

void Optimizer::set_lr(double lr) {
  check_not_negative("optim", "lr", lr);
  lr_ = lr;
}

void Optimizer::step() {
  prepare();
  apply();
}

void Optimizer::prepare() {
  parameters_->check_parameters();
  steps_.count_up();
  std::vector<double> all;
  for (auto& group : parameters_->groups()) {
    const StepNumbers own = numbers(lr_ * group.lr, group.weight_decay, steps());
    all.insert(all.end(), own.v, own.v + StepNumbers::count);
  }
  numbers_.copy_from(Tensor::from(all, numbers_.shape()));
}

void Optimizer::apply() {
  for (std::size_t i = 0; i < parameters_->groups().size(); ++i) {
    const auto& group = parameters_->groups()[i];
    auto part_of = [&](const Tensor& buffer) { return buffer.slice(group.first, group.last); };
    Part part{i,
              numbers_.slice(int64_t(i), int64_t(i) + 1),
              part_of(parameters_->grads()),
              part_of(parameters_->values()),
              {}};
    for (auto& [kind, buffer] : kept_) part.kept.push_back(part_of(buffer));
    update(part);
  }
  parameters_->changed();
}

std::vector<Named> Optimizer::state() const {
  std::vector<Named> all{{"steps", steps_}};
  for (auto& [kind, buffer] : kept_)
    for (auto& [name, t] : parameters_->parts(buffer)) all.push_back({kind + "." + name, t});
  return all;
}

}  // namespace tweed
