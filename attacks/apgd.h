// Auto-PGD: PGD that chooses its own steps.
#pragma once
#include "attacks/pixel_view.h"

namespace tweed {

/// What Auto-PGD raises.
enum class ApgdLoss : uint8_t {
  cross_entropy,  ///< of the label, or down that of the target
  dlr,            ///< the difference of logits ratio, which no scale of the logits changes
};

/// Whether each image was fooled, and what it became.
struct Attempt {
  Tensor pixels;  ///< (N, H, W, 3), in units of eps
  Tensor fooled;  ///< (N), a mask: the network does not answer the true label
};

/// Steps twice as long as eps at first, with momentum, halved where the loss stops rising, each
/// time going on from the best point so far. Norms are Linf and L2. `options.steps` and restarts
/// count. Computes on the device alone, so that it can be recorded.
///
/// @param labels   (N), int32, the true ones
/// @param targets  (N), int32: the classes that images should become; undefined: any other
/// @throws Error  for L1, and for a DLR loss of fewer than 3 classes (4 with targets)
/// Source: Croce, Hein 2020, arXiv:2003.01690
Attempt apgd(const PixelView& view, const Tensor& labels, const Tensor& targets, ApgdLoss loss,
             Draws& draws);
/// The same as an attack: with the goal's targets, if it has any.
Tensor apgd_attack(Module& network, const Tensor& x, const Tensor& labels,
                   const PgdOptions& options, ApgdLoss loss);

/// (N): the difference of logits ratio, negative while the label wins. Differentiable.
/// @param targets  undefined, or as above
Tensor dlr_loss(const Tensor& logits, const Tensor& labels, const Tensor& targets);

}  // namespace tweed
