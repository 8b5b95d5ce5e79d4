#include "attacks/rows.h"

#include <limits>

#include "autograd/argmax.h"
#include "autograd/elementwise.h"
#include "autograd/indexing.h"
#include "autograd/loss.h"
#include "autograd/reduce.h"
#include "autograd/shape_ops.h"
#include "kernels/attack.h"
#include "nn/forward_float.h"

namespace tweed {
namespace {

const std::vector<int> pixel_axes{1, 2, 3};

Tensor mask_of(const Tensor& mask) { return mask.to(DType::uint8); }

}  // namespace

Tensor over_pixels(const Tensor& numbers) { return numbers.reshape({numbers.size(), 1, 1, 1}); }
Tensor as_numbers(const Tensor& x) { return x.reshape({x.size()}); }
Tensor channels(const std::array<float, 3>& values, Device device) {
  std::vector<Tensor> each;
  for (float v : values) each.push_back(Tensor::full({1}, v, DType::float32, device));
  return concat(each, 0);
}

Tensor sum_of_each(const Tensor& x) { return sum(x, pixel_axes, true); }
Tensor largest_of_each(const Tensor& x) { return max(x, pixel_axes, true); }
Tensor l2_of_each(const Tensor& x) { return norm_l2(x, pixel_axes, true); }

Tensor sign(const Tensor& x) {
  // Twice: the smallest numbers are still below 1 after the first.
  return clamp(scale(scale(x, 1e30), 1e30), -1, 1);
}
Tensor divided(const Tensor& x, const Tensor& size) {
  const Tensor empty = at_least(size * 0, size);
  return x / (size + empty) * no(empty);
}
Tensor at_least(const Tensor& a, const Tensor& b) { return (a >= b).to(a.dtype()); }
Tensor above(const Tensor& a, const Tensor& b) { return no(at_least(b, a)); }
Tensor no(const Tensor& mask) { return 1 - mask; }
Tensor select(const Tensor& mask, const Tensor& a, const Tensor& b) {
  const bool chooses_images = mask.ndim() == 1 && a.ndim() == 4;
  return where(mask_of(chooses_images ? over_pixels(mask) : mask), a, b);
}

namespace {

// While a network answers an attack, on this thread.
class Answering {
 public:
  Answering() {
    if (answers_)
      throw Error(
          "[attack] the network attacks itself within its forward(), which would never end");
    answers_ = true;
  }
  ~Answering() { answers_ = false; }
  Answering(const Answering&) = delete;
  Answering& operator=(const Answering&) = delete;

 private:
  static thread_local bool answers_;
};
thread_local bool Answering::answers_ = false;

}  // namespace

Tensor answer_of(Module& network, const Tensor& x) {
  const Answering answering;
  return forward_float(network, x);
}

Tensor logit_of(const Tensor& logits, const Tensor& labels) {
  return sum(logits * one_hot(labels, logits.dim(1)), {1});
}
static Tensor without(const Tensor& logits, const Tensor& labels) {
  const Tensor least =
      Tensor::full({}, -std::numeric_limits<float>::infinity(), logits.dtype(), logits.device());
  return where(mask_of(one_hot(labels, logits.dim(1))), least, logits);
}
Tensor largest_other(const Tensor& logits, const Tensor& labels) {
  return max(without(logits, labels), {1});
}
Tensor likeliest_other(const Tensor& logits, const Tensor& labels) {
  const NoGrad no_grad;
  return argmax(without(logits, labels));
}
Tensor cross_entropies(const Tensor& logits, const Tensor& labels) {
  return -sum(log_softmax(logits) * one_hot(labels, logits.dim(1)), {1});
}
Tensor is_wrong(const Tensor& logits, const Tensor& labels) {
  const NoGrad no_grad;
  return clamp(target_ranks(logits.detach(), labels).to(DType::float32), 0, 1);
}
int64_t count(const Tensor& mask) { return int64_t(sum(mask).item() + 0.5); }
std::vector<int32_t> places(const Tensor& mask) {
  std::vector<int32_t> found;
  const auto values = mask.to_doubles();
  for (std::size_t i = 0; i < values.size(); ++i)
    if (values[i] > 0.5) found.push_back(int32_t(i));
  return found;
}
Tensor to_indexes(const std::vector<int32_t>& places, Device device) {
  return Tensor::from(places, {int64_t(places.size())}, device);
}

Tensor rows_at(const Tensor& x, const Tensor& indexes) {
  if (x.dtype() != DType::int32) return gather_rows(x, indexes);
  return gather_rows(x.to(DType::float32), indexes).to(DType::int32);
}
void put_rows(const Tensor& into, const std::vector<int32_t>& places, const Tensor& rows) {
  for (std::size_t i = 0; i < places.size(); ++i)
    into.slice(places[i], places[i] + 1).copy_from(rows.slice(int64_t(i), int64_t(i) + 1));
}

Tensor Draws::uniform(const Tensor& like) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const Device device = like.device();
  auto one = [&](double v) { return Tensor::full({1}, v, DType::float32, device); };
  const Tensor middle = Tensor::zeros_like(like), y = Tensor::empty_like(like);
  const Tensor radius = one(1), lo = one(-infinity), hi = one(infinity);
  const ClockedKey key(
      RandomKey{seed_, Purpose::attack, step_.step, use_++, step_.first, step_.images},
      step_.clock.defined() ? step_.clock.read<int32_t>() : Span<const int32_t>());
  on(device, [&](auto& here) {
    random_start(here, key, middle.read<float>(),
                 {radius.read<float>(), lo.read<float>(), hi.read<float>()}, y.write<float>());
  });
  return y;
}
Tensor Draws::bell(const Tensor& like) {
  Tensor total = uniform(like);
  for (int i = 0; i < 3; ++i) total = total + uniform(like);
  return total;
}
Random Draws::host() {
  uint32_t step = step_.step;
  if (step_.clock.defined()) step += uint32_t(step_.clock.item());
  return {seed_, Purpose::attack, (use_++ & 0xffffu) | 0x80000000u, step};
}

}  // namespace tweed
