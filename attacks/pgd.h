// Projected gradient descent: small changes of an image that change a network's answer.
#pragma once
#include <functional>
#include <vector>

#include "attacks/attack.h"
#include "attacks/space.h"

namespace tweed {

/// Whose loss is moved, and which way.
enum class AttackGoal : uint8_t {
  raise_label,    ///< up the loss of the true label
  lower_target,   ///< down the loss of a given target
  least_likely,   ///< down the loss of the label that the network found least likely
  second_likely,  ///< down the loss of the likeliest label but the true one
  random_target,  ///< down the loss of a label drawn at random, not the true one
};

/// Something random done to images that gradients go through, such as a turn by some degrees.
/// @param draw  names what is drawn: the same number gives the same change
using Transform = std::function<Tensor(const Tensor& images, uint32_t draw)>;

struct PgdOptions {
  AttackSpace space;
  AttackGoal goal = AttackGoal::raise_label;
  int32_t target = 0;  ///< for lower_target
  int steps = 10;
  bool random_start = true;
  uint64_t seed = 0;
  /// The part of the gradients before that is added to each, all at an L1 norm of 1 (MI-FGSM).
  double momentum = 0;
  /// Times that the attack is started; each image's best result is kept.
  int restarts = 1;
  /// The gradient is the mean over so many draws of `transform` (EOT), or of a network that draws.
  int draws = 1;
  Transform transform = {};
  /// Leaves the network as it is: batch norm and dropout in training mode, if that is its mode.
  bool training_mode = false;
  /// How sure of a wrong class the network must be: for attacks that end there, as a probability,
  /// for Carlini and Wagner's as a lead in logits; negative: the attack's own.
  double confidence = -1;
  /// Asked before each step; true ends the attack there, with images that went only part of the
  /// way, and without the loss after the last step.
  std::function<bool()> cancelled = {};

  bool is_cancelled() const { return cancelled && cancelled(); }
};

struct PgdResult {
  Tensor images;  ///< (N, H, W, 3), attacked
  Tensor labels;  ///< (N), int32: those whose loss was moved
  /// One element each, on the device: the mean loss of `labels` before each step, and, if asked
  /// for, after the last.
  std::vector<Tensor> losses;
};

/// The labels whose loss an attack moves.
/// @param x       (N, H, W, 3), normalised;  @param labels  (N), int32, the true ones
/// @param step    what random labels are drawn for;  @return  (N), int32
Tensor labels_to_move(Module& network, const Tensor& x, const Tensor& labels,
                      const PgdOptions& options, const RandomStep& step = {});
bool raises(AttackGoal goal);

/// The attack with what it needs in the device's memory, so that calls copy nothing from the host
/// and may be recorded (see Replay).
class Pgd {
 public:
  Pgd(const PgdOptions& options, Device device);
  /// As pgd() below.
  /// @param batch       names the batch for the random start; its seed does not count
  /// @param final_loss  whether the loss after the last step is computed, which takes a pass
  PgdResult operator()(Module& network, const Tensor& x, const Tensor& labels,
                       const RandomStep& batch = {}, bool final_loss = true) const;
  /// x plus noise in the ball. @param use  0, or 2 and more: the attack's own starts
  Tensor started(const Tensor& x, const RandomStep& batch, uint32_t use) const;
  /// One step of `images` along a gradient, and back into the space around x.
  void step(const Tensor& x, const Tensor& gradient, Tensor& images) const;

 private:
  Tensor gradient(Module& network, const Tensor& images, PgdResult& result, uint32_t batch) const;
  bool run(Module& network, const Tensor& x, PgdResult& result, const RandomStep& batch,
           uint32_t use) const;
  Tensor rated(Module& network, PgdResult& result, const Tensor& labels) const;

  PgdOptions options_;
  Tensor step_, eps_, lo_, hi_, unit_;  // (3), step_ with the sign of the goal
};

/// PGD as an Attack. For the length of an evaluation: on `cuda` and `sim` it is recorded, unless it
/// may be cancelled and takes long, since a recording cannot be stopped on its way.
Attack pgd_attack(const PgdOptions& options, Device device);
/// The same without a recording of its own, for a training step that is recorded whole.
Attack pgd_in_step(const PgdOptions& options, Device device);

/// Attacks a batch: gradient steps, each followed by the projection on the ball of `space`: signs
/// in Linf, see direction() in ball.h for L2 and L1. Computes gradients of the input only, with the
/// network in eval mode unless asked otherwise. One step of eps without a random start is FGSM.
///
/// @param x       (N, H, W, 3), normalised images on the network's device
/// @param labels  (N), int32
/// @param batch   names the batch for the random start
/// Source: Madry et al. 2017, arXiv:1706.06083. With momentum: Dong et al. 2017, arXiv:1710.06081.
/// With draws of a transform: Athalye et al. 2017, arXiv:1707.07397.
PgdResult pgd(Module& network, const Tensor& x, const Tensor& labels, const PgdOptions& options,
              uint32_t batch = 0);

/// x plus noise as large as the attack may be, in the same space: what an attack is compared with.
/// Uniform in the box of Linf; of L2 and L1 a random direction of size eps.
Tensor random_noise(const Tensor& x, const AttackSpace& space, uint64_t seed, uint32_t batch = 0);

}  // namespace tweed
