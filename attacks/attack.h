// What an attack is to those that call one: training, evaluation, the apps.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "nn/module.h"

namespace tweed {

/// Changes a batch a little, so that the network's answers change.
///
///   Attack brighter = [](Module&, const Tensor& images, const Tensor&) { return images * 1.1; };
///   evaluate(*network, data.validation, {.attack = brighter});
///
/// It is called with
///   images  (N, H, W, 3), float32, normalised, on the network's device
///   labels  (N), int32, the true ones
/// and returns attacked images of the same shape. What it draws at random it draws for
/// network.random_step(), which its caller sets, so that runs can be repeated.
using Attack = std::function<Tensor(Module& network, const Tensor& images, const Tensor& labels)>;

struct PgdOptions;
using MakeAttack = std::function<Attack(const PgdOptions& options, Device device)>;

/// An attack by its name, and what apps have to know of it.
struct AttackKind {
  std::string name;
  std::string title;  ///< as pictures say it
  MakeAttack make;
  /// What the name itself says of the options, such as FGSM's single step of eps; none: nothing.
  std::function<PgdOptions(PgdOptions)> settle = {};
  int steps = 10;                      ///< unless somebody says otherwise
  std::string norms = "Linf, L2, L1";  ///< those it knows
  bool bounded = true;                 ///< false: it looks for small changes and knows no eps
  bool targeted = true;                ///< it can go for a class
  bool recordable = false;             ///< it copies nothing from or to the host
  bool needs_pixels = false;           ///< eps in normalised units has no bounds, which it needs
  int classes = 2;                     ///< the fewest that it can do with
  bool draws = false;                  ///< it averages gradients over draws
  double stride = 0.25;                ///< its step, as a part of eps, unless somebody says it
};
/// Gives an attack of one's own a name, by which the apps take it. `make` is called with what the
/// flags of attacks say: how far pixels may go, steps, goal, seed. Call it before any thread needs
/// an attack. @throws Error  if the name is taken
void register_attack(const std::string& name, MakeAttack make);
void register_attack(const AttackKind& kind);
/// @param name  one of attack_names(). @throws Error  naming what there is
const AttackKind& attack_kind(const std::string& name);
/// Its `make`, which first settles the options.
MakeAttack attack_called(const std::string& name);
std::vector<std::string> attack_names();
/// The options as that attack takes them. @throws Error  for a norm or a goal that it has not
PgdOptions settled(const std::string& name, PgdOptions options);

/// The attack of that name for the length of an evaluation: on `cuda` and `sim` recorded, unless it
/// cannot be, or may be cancelled and takes long, since a recording cannot be stopped on its way.
Attack attack_for_evaluation(const std::string& name, const PgdOptions& options, Device device);

/// The same attack, on `cuda` and `sim` recorded and replayed (see Replay), with the same bits. It
/// may copy nothing from or to the host. Batches of another shape than the first are attacked
/// without a recording. All calls are to have one network.
Attack recorded(Attack attack, Device device);

}  // namespace tweed
