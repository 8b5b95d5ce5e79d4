// Projected gradient descent: small changes of an image that change a network's answer.
#pragma once
#include <array>
#include <functional>
#include <limits>
#include <vector>

#include "attacks/attack.h"

namespace tweed {

/// Where attacked images may be, in the network's (normalised) space, per colour channel.
struct AttackSpace {
  std::array<float, 3> eps{}, step{};
  std::array<float, 3> lo, hi;
};
/// eps and step in pixels of 0..1 (8/255), and pixels stay in 0..1.
AttackSpace pixel_space(double eps, double step, const std::array<float, 3>& mean,
                        const std::array<float, 3>& std);
/// eps and step in normalised units, any value allowed: the coursework's.
AttackSpace normalized_space(double eps, double step);

enum class AttackGoal : uint8_t {
  raise_label,   ///< up the loss of the true label
  lower_target,  ///< down the loss of a given target
  least_likely,  ///< down the loss of the label that the network found least likely
};

struct PgdOptions {
  AttackSpace space;
  AttackGoal goal = AttackGoal::raise_label;
  int32_t target = 0;  ///< for lower_target
  int steps = 10;
  bool random_start = true;
  uint64_t seed = 0;
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

/// The attack with what it needs in the device's memory, so that calls copy nothing from the host
/// and may be recorded (see Replay).
class Pgd {
 public:
  Pgd(const PgdOptions& options, Device device);
  /// As pgd() below.
  /// @param batch       names the batch for the random start
  /// @param clock       (1), int32: its value is added to `batch` when the kernel runs
  /// @param final_loss  whether the loss after the last step is computed, which takes a pass
  PgdResult operator()(Module& network, const Tensor& x, const Tensor& labels, uint32_t batch = 0,
                       const Tensor& clock = {}, bool final_loss = true) const;
  /// x plus uniform noise in the box. @param use  0: the attack's own start
  Tensor started(const Tensor& x, uint32_t batch, uint32_t use, const Tensor& clock = {}) const;
  /// One step of `images` along a gradient, and back into the space around x.
  void step(const Tensor& x, const Tensor& gradient, Tensor& images) const;

 private:
  PgdOptions options_;
  Tensor step_, eps_, lo_, hi_;  // (3), step_ with the sign of the goal
};

/// PGD as an Attack. For the length of an evaluation: on `cuda` and `sim` it is recorded, unless it
/// may be cancelled and takes long, since a recording cannot be stopped on its way.
Attack pgd_attack(const PgdOptions& options, Device device);
/// The same without a recording of its own, for a training step that is recorded whole.
Attack pgd_in_step(const PgdOptions& options, Device device);

/// Attacks a batch: signed gradient steps, each followed by the projection on the box of `space`.
/// Computes gradients of the input only, with the network in eval mode.
///
/// @param x       (N, H, W, 3), normalised images on the network's device
/// @param labels  (N), int32
/// @param batch   names the batch for the random start
/// Source: Madry et al. 2017, arXiv:1706.06083.
PgdResult pgd(Module& network, const Tensor& x, const Tensor& labels, const PgdOptions& options,
              uint32_t batch = 0);

/// x plus uniform noise as large as the attack may be, in the same box: what an attack is compared
/// with.
Tensor random_noise(const Tensor& x, const AttackSpace& space, uint64_t seed, uint32_t batch = 0);

/// Whether any image may differ from x at all: not with an eps of 0, nor with one that rounding
/// swallows.
bool leaves_room(const Tensor& x, const AttackSpace& space);

/// The largest violation of the box by `images`, in normalised units; 0 if there is none.
double outside(const Tensor& images, const Tensor& x, const AttackSpace& space);

}  // namespace tweed
