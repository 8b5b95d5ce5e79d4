#include "autograd/non_finite.h"

#include <cmath>

#include "autograd/graph.h"
#include "autograd/reduce.h"

namespace tweed {
namespace {

thread_local bool looking = false;
thread_local const void* module_now = nullptr;

// Looking computes as well, and is not looked at.
struct Pause {
  Pause() { looking = false; }
  ~Pause() { looking = true; }
};

}  // namespace

FindNonFinite::FindNonFinite(bool wanted) : before_(looking) { looking = wanted; }
FindNonFinite::~FindNonFinite() { looking = before_; }

OfModule::OfModule(const void* module) : before_(module_now) { module_now = module; }
OfModule::~OfModule() { module_now = before_; }
const void* OfModule::current() { return module_now; }

std::string non_finite(const Tensor& t) {
  if (!t.defined() || !is_floating(t.dtype()) || t.size() == 0) return "";
  const NoGrad no_grad;
  const double largest = norm_linf(is_computed(t.dtype()) ? t : t.to(DType::float32)).item();
  return std::isnan(largest) ? "NaN" : std::isinf(largest) ? "infinity" : "";
}

void look_at_result(const char* op, const std::vector<Tensor>& inputs, const Tensor& y) {
  if (!looking) return;
  const Pause pause;
  const std::string what = non_finite(y);
  if (what.empty()) return;
  for (std::size_t i = 0; i < inputs.size(); ++i)
    if (const std::string given = non_finite(inputs[i]); !given.empty())
      throw NonFinite(std::string("[") + op + "] is given " + given + ", in its input " +
                          std::to_string(i) + " of shape " + inputs[i].shape().str(),
                      module_now);
  throw NonFinite(std::string("[") + op + "] gives " + what + " in its forward pass, of shape " +
                      y.shape().str(),
                  module_now);
}

void look_at_gradients(const char* op, const void* module, const std::vector<Tensor>& gradients) {
  if (!looking) return;
  const Pause pause;
  for (std::size_t i = 0; i < gradients.size(); ++i)
    if (const std::string what = non_finite(gradients[i]); !what.empty())
      throw NonFinite(std::string("[") + op + "] gives " + what +
                          " in its backward pass, in the gradient of its input " +
                          std::to_string(i) + " of shape " + gradients[i].shape().str(),
                      module);
}

}  // namespace tweed
