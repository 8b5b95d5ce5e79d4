#include "optim/parameter_buffer.h"

#include <cmath>

#include "autograd/dispatch.h"
#include "kernels/optimizer.h"
#include "nn/freeze.h"
#include "optim/arguments.h"

namespace tweed {

static constexpr int64_t alignment = 64;

bool ParameterRule::fits(const Named& parameter) const {
  return parameter.tensor.ndim() <= most_axes && matches(parameter.name, pattern);
}

ParameterBuffer::ParameterBuffer(const std::vector<Named>& parameters,
                                 const std::vector<ParameterRule>& rules)
    : ParameterBuffer(parameters, rules,
                      parameters.empty() ? DType::float32 : parameters[0].tensor.dtype()) {}

ParameterBuffer::ParameterBuffer(const std::vector<Named>& parameters,
                                 const std::vector<ParameterRule>& rules, DType compute) {
  order_by_groups(parameters, rules);
  MemoryLabel label("parameters");
  const Tensor& first = parameters_[0].tensor;
  const bool own = compute == first.dtype();
  if (!own && (first.dtype() != DType::float32 || compute != DType::bfloat16))
    fail("optim", first.dtype(), " parameters do not compute in ", compute);
  values_ = Tensor::zeros({groups_.back().last}, first.dtype(), first.device());
  computed_with_ = own ? values_ : Tensor::zeros(values_.shape(), compute, first.device());
  grads_ = Tensor::zeros_like(computed_with_);
  const auto value_parts = parts(values_), grad_parts = parts(grads_);
  for (std::size_t i = 0; i < parameters_.size(); ++i)
    parameters_[i].tensor.move_into(value_parts[i].tensor);
  for (auto& [name, t] : parameters)
    if (!own && !requires_grad(t)) {
      NoGrad no_grad;
      frozen_.push_back({t, t.detach(), t.to(compute)});
    }
  rebind(false);
  for (std::size_t i = 0; i < parameters_.size(); ++i)
    set_grad(parameters_[i].tensor, grad_parts[i].tensor);
  if (!own) changed();
}

void ParameterBuffer::rebind(bool to_masters) const {
  if (computed_with_.same(values_)) return;
  const auto own = parts(to_masters ? values_ : computed_with_);
  for (std::size_t i = 0; i < parameters_.size(); ++i) parameters_[i].tensor.rebind(own[i].tensor);
  for (auto& f : frozen_) f.parameter.rebind(to_masters ? f.master : f.computed_with);
}

void ParameterBuffer::check_parameters() const {
  const char* start = static_cast<const char*>(computed_with_.address());
  const auto size = int64_t(size_of(computed_with_.dtype()));
  for (std::size_t i = 0; i < parameters_.size(); ++i)
    if (parameters_[i].tensor.address() != start + offsets_[i] * size)
      throw Error("[optim] " + parameters_[i].name +
                  " has left the buffer that the optimizer changes: to() comes before it, and a "
                  "network has one");
}

// Parameters with equal factors stand side by side; groups in the order of their first parameters.
void ParameterBuffer::order_by_groups(const std::vector<Named>& parameters,
                                      const std::vector<ParameterRule>& rules) {
  for (auto& rule : rules) {
    check_not_negative("optim", "a rule's lr", rule.lr);
    check_not_negative("optim", "a rule's weight_decay", rule.weight_decay);
  }
  std::vector<std::vector<Named>> members;
  std::vector<Tensor> tensors;
  for (auto& p : parameters) {
    if (!requires_grad(p.tensor)) continue;
    tensors.push_back(p.tensor);
    Group own;
    for (auto& rule : rules) {
      if (!rule.fits(p)) continue;
      own.lr *= rule.lr;
      own.weight_decay *= rule.weight_decay;
    }
    std::size_t i = 0;
    while (i < groups_.size() &&
           (groups_[i].lr != own.lr || groups_[i].weight_decay != own.weight_decay))
      ++i;
    if (i == groups_.size()) {
      groups_.push_back(own);
      members.emplace_back();
    }
    members[i].push_back(p);
  }
  if (tensors.empty()) throw Error("[optim] there are no parameters that require gradients");
  check_alike("optim", tensors);

  int64_t total = 0;
  for (std::size_t i = 0; i < groups_.size(); ++i) {
    groups_[i].first = total;
    for (auto& p : members[i]) {
      const int64_t step = alignment / int64_t(size_of(p.tensor.dtype()));
      parameters_.push_back(p);
      offsets_.push_back(total);
      total += ceil_div(p.tensor.size(), step) * step;
    }
    groups_[i].last = total;
  }
}

std::vector<Named> ParameterBuffer::parts(const Tensor& buffer) const {
  std::vector<Named> result;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    auto& [name, t] = parameters_[i];
    result.push_back({name, buffer.slice(offsets_[i], offsets_[i] + t.size()).reshape(t.shape())});
  }
  return result;
}

// The sum of the squares of all gradients, on the device.
Tensor ParameterBuffer::squares() const {
  const DType dtype = accumulator_dtype(grads_);
  Tensor result = Tensor::empty({1}, dtype, grads_.device());
  dispatch("grad_norm", grads_, [&]<class T>(auto& here) {
    Tensor scratch = Tensor::empty({sum_of_squares_scratch(grads_.size())}, dtype, grads_.device());
    sum_of_squares(here, grads_.read<T>(), scratch.template write<acc_t<T>>(),
                   result.template write<acc_t<T>>());
  });
  return result;
}
double ParameterBuffer::grad_norm() const { return std::sqrt(squares().item()); }

Tensor ParameterBuffer::clip_grad_norm(double max_norm) const {
  check_argument("clip_grad_norm", "max_norm", max_norm, max_norm >= 0, "a number from 0");
  const Tensor square = squares(), norm = Tensor::empty_like(square);
  dispatch("clip_grad_norm", grads_, [&]<class T>(auto& here) {
    using A = acc_t<T>;
    clip_norm(here, max_norm, square.read<A>(), norm.write<A>(), grads_.write<T>());
  });
  return norm;
}

void ParameterBuffer::changed() const {
  if (!computed_with_.same(values_)) computed_with_.copy_from(values_);
  values_.changed();
  for (auto& [name, t] : parameters_) t.changed();
}

}  // namespace tweed
