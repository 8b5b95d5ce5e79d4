#include "attacks/square.h"

#include <algorithm>
#include <cmath>

#include "autograd/elementwise.h"
#include "autograd/shape_ops.h"

namespace tweed {
namespace {

// The share of pixels that a square covers at query i of n. The schedule is for 10,000 queries.
double share_at(int i, int n, double first) {
  constexpr int until[] = {10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000};
  const auto place = int(double(i) / n * 10000);
  for (int halvings = 0; halvings < 9; ++halvings)
    if (place <= until[halvings]) return first / (1 << halvings);
  return first / 512;
}

// (1, H, W, 3): 2 eps up or down in a square of each colour, 0 around it.
Tensor random_square(const Shape& images, double share, double radius, Random& random,
                     Device device) {
  const int64_t height = images[1], width = images[2];
  const auto wanted = int64_t(std::lround(std::sqrt(share * double(height * width))));
  const int64_t side = std::clamp<int64_t>(wanted, 1, std::min(height, width));
  const int64_t top = random.below(uint32_t(height - side + 1));
  const int64_t left = random.below(uint32_t(width - side + 1));
  float signs[3];
  for (float& s : signs) s = random.below(2) ? 1.f : -1.f;
  std::vector<float> values(std::size_t(height * width * 3), 0.f);
  for (int64_t y = top; y < top + side; ++y)
    for (int64_t x = left; x < left + side; ++x)
      for (int64_t c = 0; c < 3; ++c)
        values[std::size_t((y * width + x) * 3 + c)] = float(2 * radius) * signs[c];
  return Tensor::from(values, {1, height, width, 3}, device);
}

Tensor lead_of(const Tensor& logits, const Tensor& labels, const Tensor& targets) {
  if (!targets.defined()) return logit_of(logits, labels) - largest_other(logits, labels);
  return largest_other(logits, targets) - logit_of(logits, targets);
}

// Some of the images, as they are being attacked.
struct Part {
  PixelView view;
  std::vector<int32_t> where;  // their places in the batch
  Tensor labels, targets, pixels, lead;
};

Part part_of(const PixelView& view, const Tensor& labels, const Tensor& targets,
             const Tensor& pixels, const Tensor& lead) {
  const std::vector<int32_t> where = places(above(lead, lead * 0));
  const Tensor indexes = to_indexes(where, view.device());
  return {view.of(indexes),         where,
          rows_at(labels, indexes), targets.defined() ? rows_at(targets, indexes) : Tensor(),
          rows_at(pixels, indexes), rows_at(lead, indexes)};
}

}  // namespace

Attempt square(const PixelView& view, const Tensor& labels, const Tensor& targets, Draws& draws,
               const SquareOptions& more) {
  if (view.space().norm != Norm::linf) throw Error("[square] its norm is Linf");
  const NoGrad no_grad;
  const Tensor& originals = view.originals();
  const double radius = view.space().radius;
  const Tensor stripes = sign(draws.uniform(slice(originals, 1, 0, 1)));  // (N, 1, W, 3)
  const Tensor already = is_wrong(view.answers(originals), labels);
  Tensor pixels = select(targets.defined() ? already * 0 : already, originals,
                         view.inside(originals + stripes * radius));
  Tensor lead = lead_of(view.answers(pixels), labels, targets);
  Random random = draws.host();
  constexpr int at_once = 50;  // queries between looks at which images are left
  for (int i = 0; i < more.queries && !view.options().is_cancelled();) {
    Part part = part_of(view, labels, targets, pixels, lead);
    if (part.where.empty()) break;
    for (const int end = std::min(more.queries, i + at_once); i < end; ++i) {
      const Tensor change =
          random_square(originals.shape(), share_at(i, more.queries, more.first_share), radius,
                        random, view.device());
      const Tensor tried = part.view.inside(part.pixels + change);
      const Tensor now = lead_of(part.view.answers(tried), part.labels, part.targets);
      // One that is fooled stays.
      const Tensor better = above(part.lead, now) * above(part.lead, part.lead * 0);
      part.pixels = select(better, tried, part.pixels);
      part.lead = select(better, now, part.lead);
    }
    put_rows(pixels, part.where, part.pixels);
    put_rows(lead, part.where, part.lead);
  }
  return {pixels, is_wrong(view.answers(pixels), labels)};
}

}  // namespace tweed
