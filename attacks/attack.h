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
/// Gives an attack of one's own a name, by which the apps take it. `make` is called with what the
/// flags of attacks say: how far pixels may go, steps, goal, seed. Call it before any thread needs
/// an attack. @throws Error  if the name is taken
void register_attack(const std::string& name, MakeAttack make);
/// @param name  "pgd", or a registered one. @throws Error  naming what there is
const MakeAttack& attack_called(const std::string& name);
std::vector<std::string> attack_names();

/// The same attack, on `cuda` and `sim` recorded and replayed (see Replay), with the same bits. It
/// may copy nothing from or to the host. Batches of another shape than the first are attacked
/// without a recording. All calls are to have one network.
Attack recorded(Attack attack, Device device);

}  // namespace tweed
