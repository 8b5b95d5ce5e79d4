#include "attacks/deepfool.h"

#include <algorithm>

#include "attacks/pixel_view.h"
#include "autograd/argmax.h"
#include "autograd/elementwise.h"
#include "autograd/indexing.h"
#include "autograd/reduce.h"
#include "autograd/shape_ops.h"

namespace tweed {
namespace {

// The nearest of the borders to some classes.
struct Border {
  Tensor distance;  // (N)
  Tensor change;    // (N, H, W, 3): the way to it
};

// @param rivals  (N, k), int32
Border nearest_border(const PixelView& view, const Tensor& pixels, const Tensor& labels,
                      const Tensor& rivals) {
  const Tensor leaf = pixels.detach();
  require_grad(leaf);
  const Tensor logits = view.logits(leaf);
  const Tensor own = one_hot(labels, logits.dim(1));
  Border nearest;
  for (int64_t k = 0; k < rivals.dim(1); ++k) {
    const bool last = k + 1 == rivals.dim(1);
    const Tensor rival = slice(rivals.to(DType::float32), 1, k, k + 1).reshape({-1});
    const Tensor ahead = one_hot(rival.to(DType::int32), logits.dim(1)) - own;
    const Tensor normal = grad_of(logits, {leaf}, !last, ahead)[0];
    const NoGrad no_grad;
    const Tensor gap = abs(sum(logits.detach() * ahead, {1})),
                 length = as_numbers(l2_of_each(normal));
    // The label itself is no rival: there the normal is 0, and the distance counts as infinite.
    const Tensor distance = select(above(length, length * 0), divided(gap, length),
                                   Tensor::full(gap.shape(), 1e30, DType::float32, gap.device()));
    const Tensor change = normal * over_pixels(divided(divided(gap, length), length));
    if (k == 0) {
      nearest = {distance, change};
      continue;
    }
    const Tensor nearer = above(nearest.distance, distance);
    nearest = {minimum(distance, nearest.distance), select(nearer, change, nearest.change)};
  }
  return nearest;
}

}  // namespace

Tensor deepfool(Module& network, const Tensor& x, const Tensor& labels, const PgdOptions& options,
                const DeepFoolOptions& more) {
  const PixelView view(network, x, options);
  const Tensor pixels = view.originals().clone();
  const Tensor first = view.answers(pixels);
  const Tensor rivals = top_k(first, std::min(more.classes, first.dim(1))).indexes;
  for (int i = 0; i < options.steps && !options.is_cancelled(); ++i) {
    const std::vector<int32_t> right = places(no(is_wrong(view.answers(pixels), labels)));
    if (right.empty()) break;
    const Tensor indexes = to_indexes(right, x.device()), now = rows_at(pixels, indexes);
    const PixelView part = view.of(indexes);
    const Border border =
        nearest_border(part, now, rows_at(labels, indexes), rows_at(rivals, indexes));
    put_rows(pixels, right, part.valid(now + border.change * (1 + more.overshoot)));
  }
  return view.images(pixels, false);
}

}  // namespace tweed
