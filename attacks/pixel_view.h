// A network as attacks see it that compute in the units of eps, which are pixels of 0..1 unless eps
// is in normalised units.
#pragma once
#include <functional>
#include <optional>

#include "attacks/pgd.h"
#include "attacks/rows.h"
#include "nn/eval_mode.h"

namespace tweed {

/// The images of a batch in units of eps, and what the network says of others near them. While one
/// lives the network is in eval mode, unless the options want it as it is.
class PixelView {
 public:
  /// @param x  (N, H, W, 3), normalised. What follows has its shape.
  PixelView(Module& network, const Tensor& x, const PgdOptions& options);

  const PgdOptions& options() const { return options_; }
  const AttackSpace& space() const { return options_.space; }
  Device device() const { return x_.device(); }
  int64_t count() const { return x_.dim(0); }
  /// The originals, in units of eps.
  const Tensor& originals() const { return originals_; }
  /// What the network says, (N, classes); differentiable.
  Tensor logits(const Tensor& pixels) const;
  /// What it says of images(), without a graph: near a border it may differ by a rounding.
  Tensor answers(const Tensor& pixels) const;
  /// Cut to valid pixels.
  Tensor valid(const Tensor& pixels) const;
  /// Brought back into the ball of eps, and cut.
  Tensor inside(const Tensor& pixels) const;
  /// Size of each image's change, (N, 1, 1, 1).
  Tensor sizes(const Tensor& pixels) const;
  /// As the network takes them: where nothing changed the very originals, and within the bounds of
  /// `space` to the last bit.
  /// @param bounded  false: of an attack that knows no eps; only valid pixels are kept
  Tensor images(const Tensor& pixels, bool bounded = true) const;
  /// The view of some of the images.
  PixelView of(const Tensor& indexes) const;

  /// The sum over images of f(logits), (N), as a function of pixels: its gradient, and f itself.
  struct Slope {
    Tensor gradient;  ///< (N, H, W, 3)
    Tensor value;     ///< (N)
    Tensor logits;    ///< (N, classes)
  };
  using Objective = std::function<Tensor(const Tensor& logits)>;
  Slope slope(const Tensor& pixels, const Objective& f) const;

 private:
  Module& network_;
  Tensor x_, unit_, zero_, lo_, hi_, originals_, least_, most_;
  PgdOptions options_;
  std::optional<EvalMode> eval_;
};

}  // namespace tweed
