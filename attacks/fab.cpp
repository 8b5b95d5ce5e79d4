#include "attacks/fab.h"

#include <algorithm>

#include "autograd/argmax.h"
#include "autograd/elementwise.h"
#include "autograd/indexing.h"
#include "autograd/reduce.h"
#include "autograd/shape_ops.h"

namespace tweed {
namespace {

constexpr double most_of_original = 0.1, beyond = 1.05, returned = 0.9;

// The border to a class, linear at the point where it was computed.
struct Plane {
  Tensor normal;  // (N, H, W, 3)
  Tensor ahead;   // (N): by how much that class leads, negative as long as it does not
};

// Of the classes' planes the nearest. @param rivals  (N, k), int32
Plane nearest_plane(const PixelView& view, const Tensor& pixels, const Tensor& labels,
                    const Tensor& rivals) {
  const Tensor leaf = pixels.detach();
  require_grad(leaf);
  const Tensor logits = view.logits(leaf), own = one_hot(labels, logits.dim(1));
  Plane nearest;
  Tensor distance;
  for (int64_t k = 0; k < rivals.dim(1); ++k) {
    const Tensor rival = slice(rivals.to(DType::float32), 1, k, k + 1).reshape({-1});
    const Tensor difference = one_hot(rival.to(DType::int32), logits.dim(1)) - own;
    const Tensor normal = grad_of(logits, {leaf}, k + 1 < rivals.dim(1), difference)[0];
    const Tensor ahead = sum(logits.detach() * difference, {1});
    const Tensor length =
        as_numbers(view.space().norm == Norm::linf ? sum_of_each(abs(normal)) : l2_of_each(normal));
    // The label itself is no rival: its normal is 0.
    const Tensor far = Tensor::full(length.shape(), 1e30, DType::float32, length.device());
    const Tensor away = select(above(length, length * 0), divided(abs(ahead), length), far);
    const Tensor nearer = k ? above(distance, away) : away * 0 + 1;
    nearest.normal = k ? select(nearer, normal, nearest.normal) : normal;
    nearest.ahead = k ? select(nearer, ahead, nearest.ahead) : ahead;
    distance = k ? minimum(distance, away) : away;
  }
  return nearest;
}

Tensor sizes(const Tensor& change, Norm norm) {
  return norm == Norm::linf ? largest_of_each(abs(change)) : l2_of_each(change);
}

}  // namespace

Tensor onto_plane(const Tensor& x, const Tensor& w, const Tensor& c, const Tensor& least,
                  const Tensor& most, Norm norm) {
  // Each value goes by min(t * pace, room) along the sign of w, or all against it. What that comes
  // to is concave in t, so Newton's steps from below end after as many as there are kinks on the
  // way; in practice after a few.
  const Tensor signs = sign(w) * sign(c), weight = abs(w), wanted = abs(c);
  const Tensor up = at_least(signs, signs * 0);
  const Tensor room =
      clamp(select(up, most - x, x - least), 0, std::numeric_limits<double>::infinity());
  const Tensor pace = norm == Norm::linf ? weight * 0 + 1 : weight;
  Tensor t = wanted * 0;
  for (int i = 0; i < 15; ++i) {
    const Tensor gone = minimum(pace * t, room), free = above(room, pace * t);
    const Tensor missing = wanted - sum_of_each(weight * gone);
    t = t + divided(clamp(missing, 0, 1e30), sum_of_each(weight * pace * free));
  }
  return signs * minimum(pace * t, room);
}

Attempt fab(const PixelView& view, const Tensor& labels, const Tensor& targets) {
  const Norm norm = view.space().norm;
  if (norm == Norm::l1) throw Error("[fab] norms are Linf and L2, not L1");
  const Tensor &originals = view.originals(), clean = view.answers(originals);
  const Tensor rivals = targets.defined()
                            ? targets.reshape({-1, 1})
                            : top_k(clean, std::min<int64_t>(10, clean.dim(1))).indexes;
  const double infinity = std::numeric_limits<double>::infinity();
  const bool kept = keeps_pixels(view.space());
  const Tensor least = Tensor::full({}, kept ? 0 : -infinity, DType::float32, view.device());
  const Tensor most = Tensor::full({}, kept ? 1 : infinity, DType::float32, view.device());
  const Tensor already = is_wrong(clean, labels);
  Tensor now = originals, best = originals;
  Tensor best_size = Tensor::full({view.count(), 1, 1, 1}, 1e10, DType::float32, view.device());
  for (int i = 0; i < view.options().steps && !view.options().is_cancelled(); ++i) {
    const Plane plane = nearest_plane(view, now, labels, rivals);
    const Tensor here = -over_pixels(plane.ahead);
    const Tensor there = here + sum_of_each(plane.normal * (now - originals));
    const Tensor from_here = onto_plane(now, plane.normal, here, least, most, norm);
    const Tensor from_there = onto_plane(originals, plane.normal, there, least, most, norm);
    const Tensor a = sizes(from_here, norm) + 1e-8, b = sizes(from_there, norm) + 1e-8;
    const Tensor share = clamp(a / (a + b), 0, most_of_original);
    now = view.valid((now + from_here * beyond) * (1 - share) +
                     (originals + from_there * beyond) * share);
    const Tensor crossed = over_pixels(is_wrong(view.answers(now), labels));
    const Tensor size = sizes(now - originals, norm);
    const Tensor better = crossed * above(best_size, size);
    best = select(as_numbers(better), now, best);
    best_size = select(better, size, best_size);
    now = select(as_numbers(crossed), originals + (now - originals) * returned, now);
  }
  const Tensor radius = best_size * 0 + view.space().radius;
  const Tensor fooled = as_numbers(at_least(radius, best_size)) * no(already);
  return {select(fooled, best, originals), maximum(fooled, already)};
}

}  // namespace tweed
