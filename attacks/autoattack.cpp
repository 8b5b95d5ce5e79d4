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

// What parts need to know.
struct Setting {
  int64_t classes;
  int queries;
  Draws& draws;
};

// Each of the likeliest other classes in turn.
template <class F>
void against_each(Sequence& sequence, const Setting& setting, F attack) {
  const int64_t targets = std::min(most_targets, setting.classes - 1);
  for (int64_t rank = 1; rank <= targets; ++rank)
    sequence.go_on([&](const PixelView& view, const Tensor& labels, const Tensor& logits) {
      return attack(view, labels, target_at(logits, rank));
    });
}

void run(AutoPart part, Sequence& sequence, const Setting& setting) {
  const ApgdLoss targeted = setting.classes < 4 ? ApgdLoss::cross_entropy : ApgdLoss::dlr;
  Draws& draws = setting.draws;
  switch (part) {
    case AutoPart::apgd:
      return sequence.go_on([&](const PixelView& view, const Tensor& labels, const Tensor&) {
        return apgd(view, labels, {}, ApgdLoss::cross_entropy, draws);
      });
    case AutoPart::targeted_apgd:
      return against_each(sequence, setting, [&](auto& view, auto& labels, const Tensor& target) {
        return apgd(view, labels, target, targeted, draws);
      });
    case AutoPart::targeted_fab:
      return against_each(sequence, setting, fab);
    case AutoPart::square:
      return sequence.go_on([&](const PixelView& view, const Tensor& labels, const Tensor&) {
        return square(view, labels, {}, draws, {.queries = setting.queries});
      });
  }
}

}  // namespace

std::vector<AutoPart> standard_parts() {
  return {AutoPart::apgd, AutoPart::targeted_apgd, AutoPart::targeted_fab, AutoPart::square};
}

Tensor autoattack(Module& network, const Tensor& x, const Tensor& labels, const PgdOptions& options,
                  const std::vector<AutoPart>& parts) {
  if (options.space.norm == Norm::l1) throw Error("[autoattack] norms are Linf and L2, not L1");
  const PixelView view(network, x, options);
  Draws draws(options.seed, network.random_step(), draws_of_autoattack);
  Sequence sequence(view, labels);
  const int64_t classes = view.answers(view.originals()).dim(1);
  for (AutoPart part : parts) run(part, sequence, {classes, 50 * options.steps, draws});
  return view.images(sequence.pixels());
}

}  // namespace tweed
