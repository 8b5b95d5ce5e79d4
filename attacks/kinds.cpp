#include "attacks/kinds.h"

#include "attacks/apgd.h"
#include "attacks/autoattack.h"
#include "attacks/carlini.h"
#include "attacks/deepfool.h"
#include "attacks/fab.h"
#include "attacks/pgd.h"
#include "attacks/probability.h"
#include "attacks/square.h"

namespace tweed {
namespace {

// An attack that is a function of the options.
template <class F>
MakeAttack by(F attack) {
  return [attack](const PgdOptions& options, Device) -> Attack {
    return [attack, options](Module& network, const Tensor& x, const Tensor& labels) {
      return attack(network, x, labels, options);
    };
  };
}

constexpr uint32_t draws_of_square = 6000;

Tensor square_attack(Module& network, const Tensor& x, const Tensor& labels,
                     const PgdOptions& options) {
  const PixelView view(network, x, options);
  Tensor targets;
  if (!raises(options.goal))
    targets = labels_to_move(network, x, labels, options, network.random_step());
  Draws draws(options.seed, network.random_step(), draws_of_square);
  return view.images(square(view, labels, targets, draws, {.queries = options.steps}).pixels);
}

Tensor fab_attack(Module& network, const Tensor& x, const Tensor& labels,
                  const PgdOptions& options) {
  const PixelView view(network, x, options);
  Tensor targets;
  if (!raises(options.goal))
    targets = labels_to_move(network, x, labels, options, network.random_step());
  return view.images(fab(view, labels, targets).pixels);
}

// Gradient signs from the image itself.
PgdOptions from_image(PgdOptions options) {
  options.random_start = false;
  return options;
}
PgdOptions one_step(PgdOptions options) {
  options.steps = 1;
  options.space = with_step(options.space, options.space.radius);
  return from_image(options);
}
PgdOptions with_momentum(PgdOptions options) {
  if (options.momentum == 0) options.momentum = 1;
  return from_image(options);
}

std::vector<AttackKind> of_pgd() {
  return {
      {.name = "pgd", .title = "PGD", .make = pgd_in_step, .recordable = true, .draws = true},
      {.name = "fgsm",
       .title = "FGSM",
       .make = pgd_in_step,
       .settle = one_step,
       .norms = "Linf, L2",
       .recordable = true,
       .draws = true},
      {.name = "ifgsm",
       .title = "iterative FGSM",
       .make = pgd_in_step,
       .settle = from_image,
       .recordable = true,
       .draws = true},
      {.name = "mifgsm",
       .title = "momentum iterative FGSM",
       .make = pgd_in_step,
       .settle = with_momentum,
       .recordable = true,
       .draws = true},
  };
}

std::vector<AttackKind> others() {
  const auto apgd_on = [](ApgdLoss loss) {
    return by(
        [loss](Module& network, const Tensor& x, const Tensor& labels, const PgdOptions& options) {
          return apgd_attack(network, x, labels, options, loss);
        });
  };
  const auto parts_of_auto = [](const std::vector<AutoPart>& parts) {
    return by(
        [parts](Module& network, const Tensor& x, const Tensor& labels, const PgdOptions& options) {
          return autoattack(network, x, labels, options, parts);
        });
  };
  return {
      {.name = "apgd-ce",
       .title = "APGD on cross-entropy",
       .make = apgd_on(ApgdLoss::cross_entropy),
       .steps = 100,
       .norms = "Linf, L2",
       .recordable = true},
      {.name = "apgd-dlr",
       .title = "APGD on DLR",
       .make = apgd_on(ApgdLoss::dlr),
       .steps = 100,
       .norms = "Linf, L2",
       .recordable = true,
       .classes = 3},
      {.name = "apgd-t",
       .title = "targeted APGD",
       .make = parts_of_auto({AutoPart::targeted_apgd}),
       .steps = 100,
       .norms = "Linf, L2",
       .targeted = false},
      {.name = "autoattack",
       .title = "AutoAttack",
       .make = parts_of_auto(standard_parts()),
       .steps = 100,
       .norms = "Linf, L2",
       .targeted = false},
      {.name = "cw",
       .title = "Carlini and Wagner's attack",
       .make = by([](Module& network, const Tensor& x, const Tensor& labels,
                     const PgdOptions& options) { return carlini(network, x, labels, options); }),
       .steps = 50,
       .norms = "L2",
       .bounded = false,
       .recordable = true,
       .needs_pixels = true},
      {.name = "deepfool",
       .title = "DeepFool",
       .make = by([](Module& network, const Tensor& x, const Tensor& labels,
                     const PgdOptions& options) { return deepfool(network, x, labels, options); }),
       .steps = 50,
       .norms = "L2",
       .bounded = false,
       .targeted = false},
      {.name = "fab", .title = "FAB", .make = by(fab_attack), .steps = 100, .norms = "Linf, L2"},
      {.name = "fab-t",
       .title = "targeted FAB",
       .make = parts_of_auto({AutoPart::targeted_fab}),
       .steps = 100,
       .norms = "Linf, L2",
       .targeted = false},
      {.name = "probability",
       .title = "ascent on a probability",
       .make = by(probability_ascent),
       .norms = "Linf",
       .recordable = true,
       .stride = 10},
      {.name = "square",
       .title = "Square",
       .make = by(square_attack),
       .steps = 1000,
       .norms = "Linf, L2"},
      {.name = "sure",
       .title = "steps until sure",
       .make = by(until_sure),
       .steps = 100,
       .norms = "Linf",
       .recordable = true},
  };
}

}  // namespace

std::map<std::string, AttackKind> built_in_attacks() {
  std::map<std::string, AttackKind> kinds;
  for (auto& kind : of_pgd()) kinds.emplace(kind.name, kind);
  for (auto& kind : others()) kinds.emplace(kind.name, kind);
  return kinds;
}

}  // namespace tweed
