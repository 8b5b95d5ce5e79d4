#include "attacks/attack.h"

#include <map>
#include <memory>

#include "attacks/kinds.h"
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
    RandomStep within = before;
    within.step = 0;
    within.clock = clock_;
    network.set_random_step(within);
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

std::map<std::string, AttackKind>& table() {
  static std::map<std::string, AttackKind> attacks = built_in_attacks();
  return attacks;
}

}  // namespace

void register_attack(const AttackKind& kind) {
  if (!table().emplace(kind.name, kind).second)
    throw Error("there is an attack " + in_quotes(kind.name) + " already");
}
void register_attack(const std::string& name, MakeAttack make) {
  register_attack({.name = name, .title = name, .make = std::move(make)});
}

const AttackKind& attack_kind(const std::string& name) {
  const auto found = table().find(name);
  if (found != table().end()) return found->second;
  std::string known;
  for (auto& each : attack_names()) known += (known.empty() ? "" : ", ") + each;
  throw Error("there is no attack " + in_quotes(name) + "; there are " + known);
}

PgdOptions settled(const std::string& name, PgdOptions options) {
  const AttackKind& kind = attack_kind(name);
  if (const std::string norm = name_of(options.space.norm);
      kind.norms.find(norm) == std::string::npos)
    throw Error("attack " + name + " knows the norm" +
                (kind.norms.find(',') == std::string::npos ? " " : "s ") + kind.norms + ", not " +
                norm);
  if (!kind.targeted && !raises(options.goal))
    throw Error("attack " + name + " goes for no class: it has the goal label alone");
  if (kind.needs_pixels && !keeps_pixels(options.space))
    throw Error("attack " + name + " needs the bounds of pixels, which normalised units have not");
  return kind.settle ? kind.settle(std::move(options)) : options;
}

MakeAttack attack_called(const std::string& name) {
  attack_kind(name);
  return [name](const PgdOptions& options, Device device) {
    return attack_kind(name).make(settled(name, options), device);
  };
}

std::vector<std::string> attack_names() {
  std::vector<std::string> names;
  for (auto& [name, kind] : table()) names.push_back(name);
  return names;
}

Attack attack_for_evaluation(const std::string& name, const PgdOptions& options, Device device) {
  constexpr int most_recorded_steps = 100;
  const AttackKind& kind = attack_kind(name);
  const PgdOptions taken = settled(name, options);
  Attack attack = kind.make(taken, device);
  const bool long_one = taken.cancelled && taken.steps * taken.restarts > most_recorded_steps;
  // What a transform draws it draws on the host.
  if (!kind.recordable || taken.transform || long_one) return attack;
  return recorded(std::move(attack), device);
}

Attack recorded(Attack attack, Device device) {
  auto shared = std::make_shared<RecordedAttack>(std::move(attack), device);
  return [shared](Module& network, const Tensor& x, const Tensor& labels) {
    return (*shared)(network, x, labels);
  };
}

}  // namespace tweed
