#include "train/defence.h"

#include <algorithm>
#include <map>
#include <memory>

#include "autograd/elementwise.h"
#include "autograd/reduce.h"
#include "nn/eval_mode.h"
#include "nn/forward_float.h"
#include "nn/kept_buffers.h"
#include "train/defence_losses.h"
#include "train/free_training.h"
#include "train/weight_perturbation.h"

namespace tweed {
namespace {

Defence one_step(const DefenceOptions& o, const ParameterBuffer&, const Tensor& images) {
  PgdOptions attack = with_usual_step(o, 1.25f);
  attack.steps = 1;
  return {against(pgd_in_step(attack, images.device()))};
}

// The coursework's.
Defence half(const DefenceOptions& o, const ParameterBuffer&, const Tensor& images) {
  return {against([pgd = pgd_in_step(o.attack, images.device())](Module& network, const Tensor& x,
                                                                 const Tensor& labels) {
    return 0.5 * x + 0.5 * pgd(network, x, labels);
  })};
}

// At the images themselves the divergence is 0, and so is its gradient: the attack starts a little
// beside them, by 0.001 where eps is 8/255.
PgdOptions beside(PgdOptions attack) {
  for (float& e : attack.space.eps) e /= 32;
  return attack;
}

// Images near x whose answers diverge from those to x.
class DivergingImages {
 public:
  DivergingImages(const PgdOptions& options, Device device)
      : steps_(options.steps), pgd_(options, device), start_(beside(options), device) {}

  Tensor operator()(Module& network, const Tensor& x) const {
    const EvalMode eval(network);
    const RandomStep& random = network.random_step();
    Tensor clean;
    {
      const NoGrad no_grad;
      clean = forward_float(network, x);
    }
    Tensor images = start_.started(x, random, 0);
    for (int i = 0; i < steps_; ++i) {
      Tensor leaf = images.detach();
      require_grad(leaf);
      const Tensor apart = sum(divergences(clean, forward_float(network, leaf)));
      pgd_.step(x, grad_of(apart, {leaf})[0], images);
    }
    return images;
  }

 private:
  int steps_;
  Pgd pgd_, start_;
};

Defence trades(const DefenceOptions& o, const ParameterBuffer&, const Tensor& images) {
  const double beta = o.weight.value_or(6);
  return {[beta, diverging = DivergingImages(o.attack, images.device())](
              Module& network, const Tensor& x, const Tensor& labels, int64_t) -> LossAndLogits {
    const Tensor moved = diverging(network, x);
    const Tensor clean = forward_float(network, x), attacked = forward_float(network, moved);
    return {trades_loss(clean, attacked, labels, beta), attacked};
  }};
}

Defence mart(const DefenceOptions& o, const ParameterBuffer&, const Tensor& images) {
  const double lambda = o.weight.value_or(5);
  return {[lambda, attack = pgd_in_step(o.attack, images.device())](
              Module& network, const Tensor& x, const Tensor& labels, int64_t) -> LossAndLogits {
    const Tensor moved = attack(network, x, labels);
    const Tensor clean = forward_float(network, x), attacked = forward_float(network, moved);
    return {mart_loss(clean, attacked, labels, lambda), attacked};
  }};
}

// Running statistics see the pass from which gradients come, not the one that moves the weights.
Defence awp(const DefenceOptions& o, const ParameterBuffer& parameters, const Tensor& images) {
  const auto weights =
      std::make_shared<WeightPerturbation>(parameters, o.weight.value_or(0.005), o.together);
  return {[weights, attack = pgd_in_step(o.attack, images.device())](
              Module& network, const Tensor& x, const Tensor& labels, int64_t) {
            const Tensor moved = attack(network, x, labels);
            {
              const KeptBuffers kept(network);
              weights->up(classified(network, moved, labels).loss);
            }
            return classified(network, moved, labels);
          },
          [weights] { weights->back(); }};
}

std::map<std::string, MakeDefence>& table() {
  static std::map<std::string, MakeDefence> defences{{"fgsm", one_step}, {"half", half},
                                                     {"trades", trades}, {"mart", mart},
                                                     {"awp", awp},       {"free", free_training}};
  return defences;
}

bool is_attack(const std::string& name) {
  const auto names = attack_names();
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

PgdOptions with_usual_step(const DefenceOptions& options, float share_of_eps) {
  PgdOptions attack = options.attack;
  if (options.usual_step)
    attack.space = with_step(attack.space, double(share_of_eps) * attack.space.radius);
  return attack;
}

Objective against(Attack attack) {
  return [attack = std::move(attack)](Module& network, const Tensor& images, const Tensor& labels,
                                      int64_t) {
    return classified(network, attack(network, images, labels), labels);
  };
}

void register_defence(const std::string& name, MakeDefence make) {
  if (is_attack(name) || !table().emplace(name, std::move(make)).second)
    throw Error("there is a defence " + in_quotes(name) + " already");
}

MakeDefence defence_called(const std::string& name) {
  if (const auto found = table().find(name); found != table().end()) return found->second;
  if (is_attack(name))
    return [make = attack_called(name)](const DefenceOptions& o, const ParameterBuffer&,
                                        const Tensor& images) -> Defence {
      return {against(make(o.attack, images.device()))};
    };
  std::string known;
  for (auto& each : defence_names()) known += (known.empty() ? "" : ", ") + each;
  throw Error("there is no defence " + in_quotes(name) + "; there are " + known);
}

std::vector<std::string> defence_names() {
  std::vector<std::string> names = attack_names();
  for (auto& [name, make] : table()) names.push_back(name);
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

bool may_be_recorded(const std::string& name, const PgdOptions& attack) {
  if (name.empty()) return true;
  return attack.draws == 1 && (table().count(name) || attack_kind(name).recordable);
}

void check_defence(const std::string& name, const PgdOptions& attack) {
  if ((name == "trades" || name == "free") && attack.space.norm != Norm::linf)
    throw Error(name + " changes pixels within Linf alone, not " + name_of(attack.space.norm));
  if ((name == "trades" || name == "free") && attack.goal != AttackGoal::raise_label)
    throw Error(name + " has a goal of its own: it goes with no other");
  if (name == "trades" && !attack.random_start)
    throw Error("trades needs its random start: at the image itself no direction leads away");
}

}  // namespace tweed
