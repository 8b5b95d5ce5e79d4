#include "attacks/attack.h"

#include <memory>

#include "tensor/replay.h"

namespace tweed {
namespace {

// The tensors that a recording reads and writes.
class RecordedAttack {
 public:
  RecordedAttack(Attack attack, Device device)
      : attack_(std::move(attack)),
        clock_(Tensor::zeros({1}, DType::int32, device)),
        replay_(device, [this] { attacked_.copy_from(attack_(*network_, x_, labels_)); }) {}

  Tensor operator()(Module& network, const Tensor& x, const Tensor& labels) {
    if (!network_) {
      network_ = &network;
      x_ = Tensor::empty_like(x);
      labels_ = Tensor::empty_like(labels);
      attacked_ = Tensor::empty_like(x);
    }
    if (network_ != &network) throw Error("[recorded] an attack is recorded for one network");
    if (x.shape() != x_.shape()) return attack_(network, x, labels);
    const RandomStep before = network.random_step();
    x_.copy_from(x);
    labels_.copy_from(labels);
    clock_.fill(before.step);
    network.set_random_step({before.seed, 0, clock_});
    replay_();
    network.set_random_step(before);
    return attacked_;
  }

 private:
  Attack attack_;
  Module* network_ = nullptr;
  Tensor x_, labels_, clock_, attacked_;
  Replay replay_;
};

}  // namespace

Attack recorded(Attack attack, Device device) {
  auto shared = std::make_shared<RecordedAttack>(std::move(attack), device);
  return [shared](Module& network, const Tensor& x, const Tensor& labels) {
    return (*shared)(network, x, labels);
  };
}

}  // namespace tweed
