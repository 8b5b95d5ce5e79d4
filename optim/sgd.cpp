#include "optim/sgd.h"

#include <cmath>

#include "kernels/elementwise.h"
#include "kernels/optimizer.h"

namespace tweed {

static constexpr int64_t alignment = 64;

ParameterBuffer::ParameterBuffer(const std::vector<Named>& parameters) : parameters_(parameters) {
  if (parameters.empty()) throw Error("[optim] there are no parameters");
  const Tensor& first = parameters[0].tensor;
  int64_t step = alignment / int64_t(size_of(first.dtype())), total = 0;
  std::vector<Tensor> tensors;
  for (auto& [name, t] : parameters) {
    offsets_.push_back(total);
    total += ceil_div(t.size(), step) * step;
    tensors.push_back(t);
  }
  check_alike("optim", tensors);
  MemoryLabel label("parameters");
  values_ = Tensor::zeros({total}, first.dtype(), first.device());
  grads_ = Tensor::zeros({total}, first.dtype(), first.device());
  auto value_parts = parts(values_), grad_parts = parts(grads_);
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    parameters_[i].tensor.move_into(value_parts[i].tensor);
    set_grad(parameters_[i].tensor, grad_parts[i].tensor);
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

double ParameterBuffer::grad_norm() const {
  double sum = 0;
  with_floating(grads_.dtype(), "grad_norm", [&]<class T>() {
    on(grads_.device(), [&](auto& here) {
      Tensor scratch = Tensor::empty({sum_of_squares_scratch(grads_.size())}, dtype_of<acc_t<T>>(),
                                     grads_.device());
      Tensor result = Tensor::empty({1}, dtype_of<acc_t<T>>(), grads_.device());
      sum_of_squares(here, grads_.read<T>(), scratch.template write<acc_t<T>>(),
                     result.template write<acc_t<T>>());
      sum = result.item();
    });
  });
  return std::sqrt(sum);
}

double ParameterBuffer::clip_grad_norm(double max_norm) const {
  double norm = grad_norm();
  if (norm > max_norm) {
    Tensor copy = grads_.clone();
    with_floating(grads_.dtype(), "clip_grad_norm", [&]<class T>() {
      on(grads_.device(), [&](auto& here) {
        axpy(here, max_norm / (norm + 1e-6) - 1, copy.read<T>(), grads_.write<T>());
      });
    });
  }
  return norm;
}

void ParameterBuffer::changed() const {
  values_.changed();
  for (auto& [name, t] : parameters_) t.changed();
}

SGD::SGD(ParameterBuffer& parameters, const Options& options)
    : parameters_(parameters), options_(options), velocity_(parameters.zeros()) {}

void SGD::step() {
  const Tensor& w = parameters_.values();
  with_floating(w.dtype(), "sgd", [&]<class T>() {
    on(w.device(), [&](auto& here) {
      sgd_step(here, Sgd{options_.lr, options_.momentum, options_.weight_decay},
               parameters_.grads().template read<T>(), velocity_.write<T>(), w.write<T>());
    });
  });
  parameters_.changed();
}

}  // namespace tweed
