#include "attacks/carlini.h"

#include <algorithm>
#include <cmath>

#include "attacks/pixel_view.h"
#include "autograd/elementwise.h"
#include "autograd/reduce.h"

namespace tweed {
namespace {

// Adam (Kingma, Ba 2014, arXiv:1412.6980) on one tensor, which no graph knows.
class Adam {
 public:
  explicit Adam(const Tensor& w) : mean_(Tensor::zeros_like(w)), square_(Tensor::zeros_like(w)) {}
  Tensor step(const Tensor& w, const Tensor& gradient, double rate) {
    constexpr double beta1 = 0.9, beta2 = 0.999, eps = 1e-8;
    ++steps_;
    mean_ = mean_ * beta1 + gradient * (1 - beta1);
    square_ = square_ * beta2 + gradient * gradient * (1 - beta2);
    const Tensor spread = sqrt(square_) / std::sqrt(1 - std::pow(beta2, steps_)) + eps;
    return w - mean_ / spread * (rate / (1 - std::pow(beta1, steps_)));
  }

 private:
  Tensor mean_, square_;
  int steps_ = 0;
};

// The smallest changes met so far.
struct Best {
  Tensor pixels;   // (N, H, W, 3)
  Tensor squares;  // (N, 1, 1, 1): of the change; large where none was met
};

class Search {
 public:
  Search(const PixelView& view, const Tensor& labels, const Tensor& moved,
         const CarliniOptions& more)
      : view_(view), labels_(labels), moved_(moved), more_(more) {}
  // Of one c for each image, (N, 1, 1, 1). Returns a mask: which were fooled.
  Tensor run(const Tensor& tradeoff, Best& best) const;

 private:
  bool up() const { return raises(view_.options().goal); }
  Tensor lead(const Tensor& logits) const;
  Tensor is_fooled(const Tensor& logits) const {
    return up() ? is_wrong(logits, labels_) : no(is_wrong(logits, moved_));
  }

  const PixelView& view_;
  Tensor labels_, moved_;
  CarliniOptions more_;
};

// By how much the class that should not win does, but for more than the confidence.
Tensor Search::lead(const Tensor& logits) const {
  const double kappa = std::max(0., view_.options().confidence);
  const Tensor own = logit_of(logits, moved_), other = largest_other(logits, moved_);
  return clamp(up() ? own - other : other - own, -kappa, std::numeric_limits<double>::infinity());
}

Tensor Search::run(const Tensor& tradeoff, Best& best) const {
  const Tensor& originals = view_.originals();
  const Tensor around = originals * 2 - 1;
  Tensor w = log((1 + around) / (1 - around)) * 0.5;  // the inverse of tanh
  Adam adam(w);
  Tensor fooled = Tensor::zeros({view_.count()}, DType::float32, view_.device());
  // Ends for all once the cost has risen between two looks.
  Tensor ended = Tensor::zeros({}, DType::float32, view_.device()), before = ended + 1e10;
  const int steps = view_.options().steps, every = std::max(steps / 10, 1);
  for (int i = 0; i < steps && !view_.options().is_cancelled(); ++i) {
    const Tensor leaf = w.detach();
    require_grad(leaf);
    const Tensor pixels = (tanh(leaf) + 1) * 0.5, change = pixels - originals;
    const Tensor squares = sum_of_each(change * change), logits = view_.logits(pixels);
    const Tensor cost = sum(squares) + sum(lead(logits) * as_numbers(tradeoff));
    w = adam.step(w, grad_of(cost, {leaf})[0], more_.learning_rate);
    const NoGrad no_grad;
    const Tensor now = is_fooled(logits.detach()) * no(ended);
    const Tensor better = now * as_numbers(above(best.squares, squares.detach()));
    best.pixels = select(better, pixels.detach(), best.pixels);
    best.squares = select(over_pixels(better), squares.detach(), best.squares);
    fooled = maximum(fooled, now);
    if (i % every) continue;
    ended = maximum(ended, above(cost.detach(), before));
    before = cost.detach();
  }
  return fooled;
}

}  // namespace

Tensor carlini(Module& network, const Tensor& x, const Tensor& labels, const PgdOptions& options,
               const CarliniOptions& more) {
  if (!keeps_pixels(options.space))
    throw Error("[cw] pixels need bounds, and normalised units have none");
  const PixelView view(network, x, options);
  const Search search(view, labels,
                      labels_to_move(network, x, labels, options, network.random_step()), more);
  const Shape numbers{x.dim(0), 1, 1, 1};
  auto all = [&](double v) { return Tensor::full(numbers, v, DType::float32, x.device()); };
  Best best{view.originals(), all(1e10)};
  Tensor tradeoff = all(more.tradeoff), least = all(0), most = all(1e10);
  for (int k = 0; k < more.searches; ++k) {
    const Tensor fooled = over_pixels(search.run(tradeoff, best));
    most = select(fooled, minimum(most, tradeoff), most);
    least = select(fooled, least, maximum(least, tradeoff));
    tradeoff = select(at_least(most, all(1e9)), tradeoff * 10, (least + most) * 0.5);
  }
  return view.images(best.pixels, false);
}

}  // namespace tweed
