// What attacks compute of each image by itself: sums, choices between images, losses. Everything
// stays on the device, so that attacks can be recorded. (N) stands for a number for each image, and
// masks are floats that are 0 or 1.
#pragma once
#include "kernels/philox.h"
#include "nn/module.h"

namespace tweed {

/// (N) as (N, 1, 1, 1), which broadcasts against images; and back.
Tensor over_pixels(const Tensor& numbers);
Tensor as_numbers(const Tensor& over_pixels);
/// Three numbers as (3), by kernels: nothing is copied from the host.
Tensor channels(const std::array<float, 3>& values, Device device);

/// (N, ...) to (N, 1, 1, 1).
Tensor sum_of_each(const Tensor& images);
Tensor largest_of_each(const Tensor& images);
Tensor l2_of_each(const Tensor& images);
/// -1, 0 or 1.
Tensor sign(const Tensor& x);
/// x / size, 0 where the size is 0.
Tensor divided(const Tensor& x, const Tensor& size);
/// A mask: where a >= b, a > b.
Tensor at_least(const Tensor& a, const Tensor& b);
Tensor above(const Tensor& a, const Tensor& b);
/// 1 - mask.
Tensor no(const Tensor& mask);
/// a where the mask is 1, else b. A mask (N) chooses images; NaN in what is not taken is harmless.
Tensor select(const Tensor& mask, const Tensor& a, const Tensor& b);

/// forward_float(), for attacks. @throws Error  if the network attacks itself within its forward(),
/// which would never end
Tensor answer_of(Module& network, const Tensor& x);

/// (N): the logit of each label, and the largest of the others. Differentiable.
Tensor logit_of(const Tensor& logits, const Tensor& labels);
Tensor largest_other(const Tensor& logits, const Tensor& labels);
/// (N), int32: which class that is.
Tensor likeliest_other(const Tensor& logits, const Tensor& labels);
/// (N): the cross-entropy of each image. Differentiable.
Tensor cross_entropies(const Tensor& logits, const Tensor& labels);
/// (N), a mask: whether the label is not the network's answer.
Tensor is_wrong(const Tensor& logits, const Tensor& labels);
/// The number of ones.
int64_t count(const Tensor& mask);
/// The places of ones, on the host and as int32 on the mask's device.
std::vector<int32_t> places(const Tensor& mask);
Tensor to_indexes(const std::vector<int32_t>& places, Device device);
/// Rows of a tensor of any dtype, in their order; and rows put in their places, in place.
Tensor rows_at(const Tensor& x, const Tensor& indexes);
void put_rows(const Tensor& into, const std::vector<int32_t>& places, const Tensor& rows);

/// The random numbers of one attack on one batch: each draw gives others, and the same (seed,
/// network.random_step()) gives the same. Draws may be recorded.
class Draws {
 public:
  /// @param first  uses below it belong to others
  Draws(uint64_t seed, const RandomStep& step, uint32_t first)
      : seed_(seed), step_(step), use_(first) {}
  /// Uniform in [-1, 1), of the shape and device of `like`, whose rows are the batch's.
  Tensor uniform(const Tensor& like);
  /// About normal, with a variance of 4/3: what only its direction is taken of.
  Tensor bell(const Tensor& like);
  /// A stream for choices on the host. The clock, if there is one, is read from the device.
  Random host();

 private:
  uint64_t seed_;
  RandomStep step_;
  uint32_t use_;
};

}  // namespace tweed
