#include "autograd/checks.h"

#include "autograd/node.h"

namespace tweed {

void check_fits(const char* op, const char* name, const Tensor& given, const char* wanted_name,
                const Tensor& wanted) {
  if (given.shape() == wanted.shape() && given.dtype() == wanted.dtype() &&
      given.device() == wanted.device())
    return;
  fail(op, name, " is ", given.shape(), " ", given.dtype(), " on ", given.device(), ", ",
       wanted_name, " is ", wanted.shape(), " ", wanted.dtype(), " on ", wanted.device());
}

void check_alike(const char* op, const std::vector<Tensor>& tensors) {
  const Tensor& first = tensors.at(0);
  for (auto& t : tensors) {
    if (!t.defined()) continue;
    if (t.dtype() != first.dtype()) fail(op, "dtypes ", first.dtype(), " and ", t.dtype());
    if (!(t.device() == first.device()))
      fail(op, "one tensor is on ", first.device(), ", another on ", t.device());
  }
}

Saved::Saved(const std::vector<Tensor>& tensors) {
  for (auto& t : tensors) {
    tensors_.push_back(t.defined() ? t.detach() : t);
    versions_.push_back(t.defined() ? t.version() : 0);
  }
}
const Tensor& Saved::operator[](int i) const { return tensors_.at(std::size_t(i)); }
void Saved::check(const char* op) const {
  for (std::size_t i = 0; i < tensors_.size(); ++i)
    if (tensors_[i].defined() && tensors_[i].version() != versions_[i])
      throw Error(std::string("[") + op + "] a tensor of shape " + tensors_[i].shape().str() +
                  " that it needs for its gradient was changed in place after the forward pass");
}

}  // namespace tweed
