#include "train/free_training.h"

#include <limits>
#include <memory>

#include "autograd/elementwise.h"

namespace tweed {
namespace {

// Pixels are kept valid when the perturbation is added, and may be others for the next images.
PgdOptions without_bounds(PgdOptions attack) {
  attack.space.lo.fill(-std::numeric_limits<float>::infinity());
  attack.space.hi.fill(std::numeric_limits<float>::infinity());
  return attack;
}

Tensor per_channel(const std::array<float, 3>& values, Device device) {
  return Tensor::from(std::vector<float>(values.begin(), values.end()), {3}, device);
}

class FreePerturbation {
 public:
  FreePerturbation(const PgdOptions& attack, const Tensor& images)
      : pgd_(without_bounds(attack), images.device()),
        lo_(per_channel(attack.space.lo, images.device())),
        hi_(per_channel(attack.space.hi, images.device())),
        none_(Tensor::zeros_like(images)),
        all_(Tensor::zeros_like(images)) {}

  LossAndLogits objective(Module& network, const Tensor& images, const Tensor& labels,
                          int64_t first) {
    const int64_t last = first + images.dim(0);
    {
      const NoGrad no_grad;
      seen_ = maximum(minimum(images + all_.slice(first, last), hi_), lo_).detach();
    }
    first_ = first;
    require_grad(seen_);
    return classified(network, seen_, labels);
  }

  void after() {
    const int64_t last = first_ + seen_.dim(0);
    Tensor moved = all_.slice(first_, last).clone();
    pgd_.step(none_.slice(first_, last), grad(seen_), moved);
    all_.slice(first_, last).copy_from(moved);
    seen_ = {};
  }

  const Tensor& all() const { return all_; }

 private:
  Pgd pgd_;
  Tensor lo_, hi_, none_, all_;
  Tensor seen_;  // the images of the part under way
  int64_t first_ = 0;
};

}  // namespace

Defence free_training(const DefenceOptions& options, const ParameterBuffer&, const Tensor& images) {
  const auto free = std::make_shared<FreePerturbation>(with_usual_step(options, 1), images);
  return {[free](Module& network, const Tensor& x, const Tensor& labels, int64_t first) {
            return free->objective(network, x, labels, first);
          },
          [free] { free->after(); },
          {{"perturbation", free->all()}},
          options.attack.steps};
}

}  // namespace tweed
