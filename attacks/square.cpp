#include "attacks/square.h"

#include <algorithm>

#include "attacks/square_moves.h"
#include "autograd/elementwise.h"

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
  if (view.space().norm == Norm::l1) throw Error("[square] norms are Linf and L2, not L1");
  const NoGrad no_grad;
  const Tensor& originals = view.originals();
  const Tensor started = square_start(view, draws);
  const Tensor already = is_wrong(view.answers(originals), labels);
  Tensor pixels = select(targets.defined() ? already * 0 : already, originals, started);
  Tensor lead = lead_of(view.answers(pixels), labels, targets);
  Random random = draws.host();
  constexpr int at_once = 50;  // queries between looks at which images are left
  for (int i = 0; i < more.queries && !view.options().is_cancelled();) {
    Part part = part_of(view, labels, targets, pixels, lead);
    if (part.where.empty()) break;
    for (const int end = std::min(more.queries, i + at_once); i < end; ++i) {
      const double share = share_at(i, more.queries, more.first_share);
      const Tensor tried = square_tried(part.view, part.pixels, share, random, draws);
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
