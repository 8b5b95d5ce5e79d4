#include "nn/weight_limit.h"

#include <utility>

namespace tweed {

static thread_local WeightLimit* innermost = nullptr;

WeightLimit::WeightLimit(int64_t weights, std::string what)
    : left_(weights), what_(std::move(what)), outer_(std::exchange(innermost, this)) {}
WeightLimit::~WeightLimit() { innermost = outer_; }

std::string WeightLimit::excess(double weights) {
  for (const WeightLimit* limit = innermost; limit; limit = limit->outer_)
    if (weights > double(limit->left_)) return "has more weights than " + limit->what_;
  return "";
}

void WeightLimit::check(const Shape& shape) {
  double weights = 1;
  for (int64_t n : shape) weights *= double(n);
  if (const std::string what = excess(weights); !what.empty()) throw Error("the network " + what);
}

void WeightLimit::take(const Shape& shape) {
  check(shape);
  for (WeightLimit* limit = innermost; limit; limit = limit->outer_) limit->left_ -= shape.size();
}

}  // namespace tweed
