// Training that makes a network withstand attacks, by name.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "attacks/pgd.h"
#include "optim/parameter_buffer.h"
#include "train/objective.h"
#include "train/weight_perturbation.h"

namespace tweed {

/// How a network is trained against attacks.
struct Defence {
  Objective objective;
  /// Called each time that the gradients of the objective's loss are there; may be recorded.
  std::function<void()> after = {};
  /// What goes on from step to step, and so belongs to the state of training: a row for each image
  /// of the tensor that batches are in.
  std::vector<Named> state = {};
  /// So many steps in a row are done on each batch.
  int replays = 1;
};

struct DefenceOptions {
  /// Where attacked images may be, and how they are looked for.
  PgdOptions attack;
  /// fgsm takes a step of 1.25 eps, free steps of eps, whatever the attack's space says.
  bool usual_step = true;
  /// Unset: trades' beta is 6, mart's lambda 5, awp's gamma 0.005. Of no use to the others.
  std::optional<double> weight;
  /// Where several processes train together. awp asks for it.
  Together together;
};

/// @param parameters  of the network, which outlive the defence
/// @param images      (N, H, W, 3), float32: the tensor that batches will be in
using MakeDefence = std::function<Defence(const DefenceOptions& options,
                                          const ParameterBuffer& parameters, const Tensor& images)>;

/// Gives a defence of one's own a name, by which TrainerOptions::adversarial and --adversarial take
/// it. Call it before any thread needs one. @throws Error  if the name is taken
void register_defence(const std::string& name, MakeDefence make);

/// What makes the defence of that name:
///
///   pgd     cross-entropy of attacked images (Madry et al. 2017, arXiv:1706.06083); so with the
///           name of any other attack, see attack_called()
///   fgsm    the same with one step, of 1.25 eps, from a random start (Wong et al. 2020,
///           arXiv:2001.03994)
///   half    pgd, on the mean of each image and the attacked one
///   free    each batch so many times in a row as an attack has steps, the backward pass of a
///           training step also moving the perturbation, which the next batch begins with
///           (Shafahi et al. 2019, arXiv:1904.12843)
///   trades  cross-entropy of images + beta times the divergence of answers to attacked ones, which
///           are to raise it (Zhang et al. 2019, arXiv:1901.08573)
///   mart    see mart_loss()
///   awp     pgd, with gradients at weights that were moved up the loss, by gamma times their size
///           in each layer (Wu et al. 2020, arXiv:2004.05884)
///
/// Attacks see the network in eval mode; free has its gradients from the training step itself.
/// @throws Error  naming what there is
MakeDefence defence_called(const std::string& name);
std::vector<std::string> defence_names();
/// Whether a step with this defence may be recorded (see Replay): not with an attack that looks at
/// numbers on the host. @param name  "": without a defence, it may
bool may_be_recorded(const std::string& name, const PgdOptions& attack);
/// @throws Error  if the attack's options are none of this defence's
void check_defence(const std::string& name, const PgdOptions& attack);

/// Cross-entropy of what the attack makes of images.
Objective against(Attack attack);
/// The attack with steps of so many eps, if the options leave it to the defence.
PgdOptions with_usual_step(const DefenceOptions& options, float share_of_eps);

}  // namespace tweed
