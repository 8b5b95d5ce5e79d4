#include "attacks/autoattack.h"

#include <algorithm>

#include "attacks/fab.h"
#include "attacks/square.h"
#include "autograd/argmax.h"
#include "autograd/elementwise.h"
#include "autograd/shape_ops.h"

namespace tweed {
namespace {

constexpr uint32_t draws_of_autoattack = 4096;
constexpr int64_t most_targets = 9;

// Images of a batch, and what became of them so far.
class Sequence {
 public:
  Sequence(const PixelView& view, const Tensor& labels)
      : view_(view),
        labels_(labels),
        pixels_(view.originals()),
        wrong_(is_wrong(view.answers(view.originals()), labels)) {}
  using Part =
      std::function<Attempt(const PixelView&, const Tensor& labels, const Tensor& clean_logits)>;
  // Attacks those that are still right.
  void go_on(const Part& attack);
  const Tensor& pixels() const { return pixels_; }

 private:
  const PixelView& view_;
  Tensor labels_, pixels_, wrong_;
};

void Sequence::go_on(const Part& attack) {
  const std::vector<int32_t> left = places(no(wrong_));
  if (left.empty() || view_.options().is_cancelled()) return;
  const Tensor indexes = to_indexes(left, view_.device());
  const PixelView part = view_.of(indexes);
  const Tensor labels = rows_at(labels_, indexes);
  const Attempt attempt = attack(part, labels, part.answers(part.originals()));
  const Tensor pixels = pixels_.clone(), wrong = wrong_.clone();
  for (int32_t k : places(attempt.fooled)) {
    const int64_t to = left[std::size_t(k)];
    pixels.slice(to, to + 1).copy_from(attempt.pixels.slice(k, k + 1));
    wrong.slice(to, to + 1).fill(1);
  }
  pixels_ = pixels;
  wrong_ = wrong;
}

// The class that is likeliest after `rank` others, the label not being the likeliest only where the
// image is wrong already.
Tensor target_at(const Tensor& logits, int64_t rank) {
  const Tensor order = top_k(logits, rank + 1).indexes.to(DType::float32);
  return slice(order, 1, rank, rank + 1).reshape({-1}).to(DType::int32);
}

}  // namespace

Tensor autoattack(Module& network, const Tensor& x, const Tensor& labels,
                  const PgdOptions& options) {
  if (options.space.norm == Norm::l1) throw Error("[autoattack] norms are Linf and L2, not L1");
  const PixelView view(network, x, options);
  Draws draws(options.seed, network.random_step(), draws_of_autoattack);
  Sequence sequence(view, labels);
  const int64_t classes = view.answers(view.originals()).dim(1);
  const int64_t targets = std::min(most_targets, classes - 1);
  const ApgdLoss targeted = classes < 4 ? ApgdLoss::cross_entropy : ApgdLoss::dlr;
  sequence.go_on([&](const PixelView& part, const Tensor& own, const Tensor&) {
    return apgd(part, own, {}, ApgdLoss::cross_entropy, draws);
  });
  for (int64_t rank = 1; rank <= targets; ++rank)
    sequence.go_on([&](const PixelView& part, const Tensor& own, const Tensor& logits) {
      return apgd(part, own, target_at(logits, rank), targeted, draws);
    });
  for (int64_t rank = 1; rank <= targets; ++rank)
    sequence.go_on([&](const PixelView& part, const Tensor& own, const Tensor& logits) {
      return fab(part, own, target_at(logits, rank));
    });
  if (options.space.norm == Norm::linf)
    sequence.go_on([&](const PixelView& part, const Tensor& own, const Tensor&) {
      return square(part, own, {}, draws, {.queries = 50 * options.steps});
    });
  return view.images(sequence.pixels());
}

}  // namespace tweed
