#include "optim/ema.h"

#include "autograd/dispatch.h"
#include "kernels/optimizer.h"
#include "optim/arguments.h"

namespace tweed {

Ema::Ema(const ParameterBuffer& parameters, double decay)
    : parameters_(parameters), decay_(decay), average_(parameters.zeros()) {
  check_argument("ema", "decay", decay, decay >= 0 && decay <= 1, "from 0 to 1");
}

void Ema::update() {
  count();
  apply();
}

void Ema::apply() {
  const Tensor& weights = parameters_.values();
  if (updates_.item() == 1)
    average_.copy_from(weights);
  else
    dispatch("ema", weights, [&]<class T>(auto& here) {
      average_step(here, decay_, weights.read<T>(), average_.write<T>());
    });
}

void Ema::swap() {
  if (updates_.item() == 0) return;
  Tensor weights = parameters_.values().clone();
  parameters_.values().copy_from(average_);
  average_.copy_from(weights);
  parameters_.changed();
}

std::vector<Named> Ema::state() const {
  std::vector<Named> all = parameters_.parts(average_);
  all.push_back({"updates", updates_});
  return all;
}

}  // namespace tweed
