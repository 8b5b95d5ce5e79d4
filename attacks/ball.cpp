#include "attacks/ball.h"

#include <algorithm>

#include "autograd/elementwise.h"
#include "autograd/reduce.h"

namespace tweed {
namespace {

Tensor size_of_each(const Tensor& change, Norm norm) {
  return norm == Norm::l2 ? l2_of_each(change) : sum_of_each(abs(change));
}
Tensor like_numbers(const Tensor& change, double value) {
  return Tensor::full({change.dim(0), 1, 1, 1}, value, change.dtype(), change.device());
}
// A mask of the `kept` largest values of each image, more where some are equal.
Tensor largest_values(const Tensor& size, double kept) {
  Tensor low = like_numbers(size, 0), high = largest_of_each(size);
  for (int i = 0; i < 30; ++i) {
    const Tensor middle = (low + high) * 0.5;
    const Tensor enough = at_least(sum_of_each(at_least(size, middle)), like_numbers(size, kept));
    low = select(enough, middle, low);
    high = select(enough, high, middle);
  }
  return at_least(size, low);
}

// |change| less `shrunk`, within [0, room].
Tensor shrink(const Tensor& size, const Tensor& shrunk, const Tensor& room) {
  return minimum(clamp(size - shrunk, 0, std::numeric_limits<double>::infinity()), room);
}

Tensor into_l1(const Tensor& change, const Tensor& least, const Tensor& most, double radius) {
  const Tensor signs = sign(change), size = abs(change);
  const Tensor up = at_least(change, change * 0);
  const Tensor room = clamp(select(up, most, -least), 0, std::numeric_limits<double>::infinity());
  const Tensor wanted = like_numbers(change, radius);
  Tensor low = like_numbers(change, 0), high = largest_of_each(size);
  const Tensor fits = at_least(wanted, sum_of_each(shrink(size, low, room)));
  for (int i = 0; i < 40; ++i) {
    const Tensor middle = (low + high) * 0.5;
    const Tensor small = at_least(wanted, sum_of_each(shrink(size, middle, room)));
    high = select(small, middle, high);
    low = select(small, low, middle);
  }
  return signs * shrink(size, select(fits, high * 0, high), room);
}

}  // namespace

Tensor direction(const Tensor& gradient, Norm norm) {
  if (norm == Norm::l2) return divided(gradient, l2_of_each(gradient));
  const int64_t values = gradient.size() / std::max<int64_t>(1, gradient.dim(0));
  const auto kept = double(std::max<int64_t>(1, values / 100));
  const Tensor signs = sign(gradient) * largest_values(abs(gradient), kept);
  return divided(signs, sum_of_each(abs(signs)));
}

Tensor into_ball(const Tensor& change, const Tensor& least, const Tensor& most, double radius,
                 Norm norm) {
  if (norm == Norm::l1) return into_l1(change, least, most, radius);
  const Tensor size = l2_of_each(change), wanted = like_numbers(change, radius);
  const Tensor shorter = select(above(size, wanted), divided(wanted, size), size * 0 + 1);
  return maximum(minimum(change * shorter, most), least);
}

Tensor random_change(const Tensor& like, double radius, Norm norm, Draws& draws, bool on_surface) {
  Tensor way;
  if (norm == Norm::l2) {
    way = draws.bell(like);
  } else {
    // Laplace's distribution, for which all points of one L1 norm are equally likely.
    const Tensor u = draws.uniform(like);
    way = -sign(u) * log(1 - abs(u) * (1 - 0x1p-23));
  }
  Tensor size = like_numbers(like, radius);
  if (!on_surface) size = abs(draws.uniform(size)) * radius;
  return divided(way, size_of_each(way, norm)) * size;
}

}  // namespace tweed
