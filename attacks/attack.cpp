#include "attacks/attack.h"

#include <map>
#include <memory>

#include "attacks/pgd.h"
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

std::map<std::string, MakeAttack>& table() {
  static std::map<std::string, MakeAttack> attacks{{"pgd", pgd_in_step}};
  return attacks;
}

}  // namespace

void register_attack(const std::string& name, MakeAttack make) {
  if (!table().emplace(name, std::move(make)).second)
    throw Error("there is an attack " + in_quotes(name) + " already");
}

const MakeAttack& attack_called(const std::string& name) {
  const auto found = table().find(name);
  if (found != table().end()) return found->second;
  std::string known;
  for (auto& each : attack_names()) known += (known.empty() ? "" : ", ") + each;
  throw Error("there is no attack " + in_quotes(name) + "; there are " + known);
}

std::vector<std::string> attack_names() {
  std::vector<std::string> names;
  for (auto& [name, make] : table()) names.push_back(name);
  return names;
}

Attack recorded(Attack attack, Device device) {
  auto shared = std::make_shared<RecordedAttack>(std::move(attack), device);
  return [shared](Module& network, const Tensor& x, const Tensor& labels) {
    return (*shared)(network, x, labels);
  };
}

}  // namespace tweed
