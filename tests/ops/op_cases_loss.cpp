// Losses.
#include <cmath>
#include <functional>

#include "autograd/loss.h"
#include "tests/ops/op_cases.h"

namespace tweed {
namespace {

// -log softmax of a row.
std::vector<double> surprises(const Array& x, int64_t row, int64_t classes) {
  double sum = 0;
  for (int64_t c = 0; c < classes; ++c) sum += std::exp(x[row * classes + c]);
  std::vector<double> result;
  for (int64_t c = 0; c < classes; ++c) result.push_back(std::log(sum) - x[row * classes + c]);
  return result;
}

// What a loss of rows or elements is in the end.
Array brought_together(const Shape& shape, const std::vector<double>& losses, Reduce reduce,
                       double divisor) {
  Array y(reduce == Reduce::none ? shape : Shape{});
  if (reduce == Reduce::none) y.v = losses;
  if (reduce != Reduce::none)
    for (double v : losses) y[0] += v;
  if (reduce == Reduce::mean) y[0] /= divisor;
  return y;
}
std::string name_of(Reduce reduce) {
  return reduce == Reduce::none ? " none" : reduce == Reduce::sum ? " sum" : " mean";
}

struct Entropy {
  int64_t rows, classes;
  double smoothing = 0;
  bool weighted = false;
  double reach = 2;  // of the logits
  Reduce reduce = Reduce::mean;
  std::optional<int32_t> ignored = {};
  Shape leading = {};  // rows, where they are of several axes

  Shape rows_shape() const { return leading.ndim() ? leading : Shape{rows}; }
  Shape shape() const {
    Shape all = rows_shape();
    all.append(classes);
    return all;
  }
  std::string text() const {
    return shape().str() + " smoothing " + std::to_string(smoothing) +
           (weighted ? " weighted" : "") + name_of(reduce) + (ignored ? " ignoring" : "");
  }
  double weight(int64_t c) const { return weighted ? 0.25 + 0.5 * double(c % 4) : 1; }
  // One that is ignored may be no class.
  int64_t target(int64_t row) const {
    return ignored && row % 3 == 1 ? *ignored : row * 7 % classes;
  }
  bool counts(int64_t row) const { return target(row) != ignored; }
  // Eighths, which bfloat16 holds exactly; a few are 0, and rows do not add up to 1.
  double probability(int64_t row, int64_t c) const { return double((row + 3 * c) % 5) / 8; }

  Tensor targets(Device device) const {
    std::vector<int32_t> targets;
    for (int64_t i = 0; i < rows; ++i) targets.push_back(int32_t(target(i)));
    return Tensor::from(targets, rows_shape(), device);
  }
  Tensor weights(const Tensor& like) const {
    std::vector<double> w;
    for (int64_t c = 0; c < classes; ++c) w.push_back(weight(c));
    if (!weighted) return {};
    return Tensor::from(w, {classes}).to(like.dtype()).to(like.device());
  }
  CrossEntropyOptions options(const Tensor& logits) const {
    return {smoothing, weights(logits), reduce, ignored};
  }
  // Brings together loss(row, target) of the rows that count.
  template <class F>
  Array over_targets(F loss) const {
    std::vector<double> losses;
    double divisor = 0;
    for (int64_t i = 0; i < rows; ++i) {
      losses.push_back(counts(i) ? loss(i, target(i)) : 0);
      if (counts(i)) divisor += weight(target(i));
    }
    return brought_together(rows_shape(), losses, reduce, divisor);
  }
};

OpCase cross_entropy_case(const Entropy& p) {
  auto run = [=](auto& in) {
    return cross_entropy(in[0], p.targets(in[0].device()), p.options(in[0]));
  };
  auto reference = [=](const Arrays& in) {
    return p.over_targets([&](int64_t i, int64_t t) {
      const std::vector<double> row = surprises(in[0], i, p.classes);
      double loss = (1 - p.smoothing) * p.weight(t) * row[std::size_t(t)];
      for (int64_t c = 0; c < p.classes; ++c)
        loss += p.smoothing / double(p.classes) * p.weight(c) * row[std::size_t(c)];
      return loss;
    });
  };
  return {"cross_entropy", p.text(), {{p.shape(), -p.reach, p.reach}}, run, reference};
}

OpCase cross_entropy_soft_case(const Entropy& p) {
  auto run = [=](auto& in) {
    std::vector<double> values;
    for (int64_t i = 0; i < p.rows; ++i)
      for (int64_t c = 0; c < p.classes; ++c) values.push_back(p.probability(i, c));
    const Tensor probabilities = Tensor::from(values, p.shape());
    return cross_entropy_soft(in[0], probabilities.to(in[0].dtype()).to(in[0].device()),
                              p.options(in[0]));
  };
  auto reference = [=](const Arrays& in) {
    std::vector<double> losses;
    for (int64_t i = 0; i < p.rows; ++i) {
      const std::vector<double> row = surprises(in[0], i, p.classes);
      losses.push_back(0);
      for (int64_t c = 0; c < p.classes; ++c) {
        const double uniform = 1 / double(p.classes);
        const double q = (1 - p.smoothing) * p.probability(i, c) + p.smoothing * uniform;
        losses.back() += p.weight(c) * q * row[std::size_t(c)];
      }
    }
    return brought_together(p.rows_shape(), losses, p.reduce, double(p.rows));
  };
  return {"cross_entropy_soft", p.text(), {{p.shape(), -p.reach, p.reach}}, run, reference};
}

OpCase nll_case(const Entropy& p) {
  auto run = [=](auto& in) {
    return nll_loss(in[0], p.targets(in[0].device()), {p.weights(in[0]), p.reduce, p.ignored});
  };
  auto reference = [=](const Arrays& in) {
    return p.over_targets(
        [&](int64_t i, int64_t t) { return -p.weight(t) * in[0][i * p.classes + t]; });
  };
  return {"nll_loss", p.text(), {{p.shape(), -3, 0}}, run, reference};
}

// Inputs are distinct, so that none is near the margin, an odd fraction.
OpCase multi_margin_case(const Entropy& p, int power, double margin) {
  auto run = [=](auto& in) {
    return multi_margin_loss(in[0], p.targets(in[0].device()),
                             {power, margin, p.weights(in[0]), p.reduce});
  };
  auto reference = [=](const Arrays& in) {
    std::vector<double> losses;
    for (int64_t i = 0; i < p.rows; ++i) {
      const double* row = in[0].v.data() + i * p.classes;
      losses.push_back(0);
      for (int64_t c = 0; c < p.classes; ++c)
        if (c != p.target(i))
          losses.back() += std::pow(std::max(0., margin - row[p.target(i)] + row[c]), power) *
                           p.weight(p.target(i)) / double(p.classes);
    }
    return brought_together(p.rows_shape(), losses, p.reduce, double(p.rows));
  };
  const std::string what = p.text() + " p " + std::to_string(power);
  return {"multi_margin_loss", what, {{p.shape(), -2, 2, true}}, run, reference};
}

struct Pair {
  const char* op;
  std::function<Tensor(const Tensor&, const Tensor&, Reduce)> f;
  std::function<double(double, double)> of;
  double low = -1;  // of the second
};

// Distinct values, so that no difference is near a kink.
OpCase pair_case(const Pair& p, const Shape& shape, Reduce reduce) {
  return {p.op,
          shape.str() + name_of(reduce),
          {{shape, -1, 1, true}, {shape, p.low, 1.13, true}},
          [=](auto& in) { return p.f(in[0], in[1], reduce); },
          [=](const Arrays& in) {
            std::vector<double> losses;
            for (int64_t i = 0; i < shape.size(); ++i) losses.push_back(p.of(in[0][i], in[1][i]));
            return brought_together(shape, losses, reduce, double(shape.size()));
          }};
}

double cross_entropy_of_logit(double x, double y, double positive = 1) {
  return positive * y * std::log(1 + std::exp(-x)) + (1 - y) * std::log(1 + std::exp(x));
}

const Pair pairs[] = {
    {"mse_loss", mse_loss, [](double x, double y) { return (x - y) * (x - y); }},
    {"l1_loss", l1_loss, [](double x, double y) { return std::abs(x - y); }},
    {"smooth_l1_loss", [](auto& x, auto& y, Reduce r) { return smooth_l1_loss(x, y, 0.61, r); },
     [](double x, double y) {
       const double d = std::abs(x - y);
       return d < 0.61 ? d * d / 1.22 : d - 0.305;
     }},
    {"smooth_l1_loss", [](auto& x, auto& y, Reduce r) { return smooth_l1_loss(x, y, 0, r); },
     [](double x, double y) { return std::abs(x - y); }},
    {"bce_with_logits",
     [](auto& x, auto& y, Reduce r) { return bce_with_logits(x, y, {.reduce = r}); },
     [](double x, double y) { return cross_entropy_of_logit(x, y); }, 0},
};

// Weights in quarters, which all dtypes hold.
OpCase weighted_bce_case(const Shape& shape, const Shape& weight, const Shape& pos_weight,
                         Reduce reduce) {
  auto values = [](const Shape& of) {
    std::vector<double> v;
    for (int64_t i = 0; i < of.size(); ++i) v.push_back(0.25 + 0.5 * double(i * 3 % 5));
    return v;
  };
  auto at = [=](const Shape& of, int64_t i) {
    return of.ndim() ? values(of)[std::size_t(broadcast_index(of, shape, i))] : 1;
  };
  auto made = [=](const Shape& of, const Tensor& like) {
    return of.ndim() ? Tensor::from(values(of), of).to(like.dtype()).to(like.device()) : Tensor();
  };
  auto run = [=](auto& in) {
    return bce_with_logits(in[0], in[1], {made(weight, in[0]), made(pos_weight, in[0]), reduce});
  };
  auto reference = [=](const Arrays& in) {
    std::vector<double> losses;
    for (int64_t i = 0; i < shape.size(); ++i)
      losses.push_back(at(weight, i) *
                       cross_entropy_of_logit(in[0][i], in[1][i], at(pos_weight, i)));
    return brought_together(shape, losses, reduce, double(shape.size()));
  };
  const std::string what =
      shape.str() + " weights " + weight.str() + " " + pos_weight.str() + name_of(reduce);
  return {"bce_with_logits", what, {{shape, -3, 3}, {shape, 0, 1}}, run, reference};
}

OpCase kl_div_case(const Shape& shape) {
  return {"kl_div",
          shape.str(),
          {{shape, -3, 0}, {shape, 0.1, 1}},
          [](auto& in) { return kl_div(in[0], in[1]); },
          [](const Arrays& in) {
            Array y(Shape{});
            for (int64_t i = 0; i < in[0].shape.size(); ++i)
              y[0] += in[1][i] * (std::log(in[1][i]) - in[0][i]) / double(in[0].shape[0]);
            if (in[0].shape[0] == 0) y[0] = NAN;
            return y;
          }};
}

struct Margin {
  int64_t rows, classes;
  double kappa = 0;
  bool targeted = false;
};

// Logits are distinct, so that no other is near the largest; a margin near -kappa does not occur.
OpCase margin_case(const Margin& p) {
  auto target = [](const Margin& p, int64_t row) { return row * 5 % p.classes; };
  auto run = [=](auto& in) {
    std::vector<int32_t> targets;
    for (int64_t i = 0; i < p.rows; ++i) targets.push_back(int32_t(target(p, i)));
    return margin_loss(in[0], Tensor::from(targets, {p.rows}, in[0].device()), p.kappa, p.targeted);
  };
  auto reference = [=](const Arrays& in) {
    Array y(Shape{});
    for (int64_t i = 0; i < p.rows; ++i) {
      double other = -INFINITY;
      for (int64_t c = 0; c < p.classes; ++c)
        if (c != target(p, i)) other = std::max(other, in[0][i * p.classes + c]);
      const double ahead = in[0][i * p.classes + target(p, i)] - other;
      y[0] += std::max(p.targeted ? -ahead : ahead, -p.kappa);
    }
    y[0] /= double(p.rows);
    return y;
  };
  const std::string what = Shape{p.rows, p.classes}.str() + " kappa " + std::to_string(p.kappa) +
                           (p.targeted ? " targeted" : "");
  return {"margin_loss", what, {{{p.rows, p.classes}, -2, 2, true}}, run, reference};
}

}  // namespace

std::vector<OpCase> loss_cases() {
  std::vector<OpCase> rows;
  const auto sum = Reduce::sum, none = Reduce::none, mean = Reduce::mean;
  const Shape images = {2, 3, 2};
  const Entropy both[] = {Entropy{4, 5},
                          Entropy{1, 1},
                          Entropy{3, 70, 0, false, 20},
                          Entropy{4, 5, 0.1},
                          Entropy{4, 5, 0, true},
                          Entropy{3, 7, 0.2, true},
                          Entropy{3, 70, 1, true},
                          Entropy{0, 3},
                          Entropy{0, 3, 0.1, true},
                          Entropy{1, 1, 0.5, true},
                          Entropy{4, 5, 0.1, true, 2, sum},
                          Entropy{4, 5, 0.1, true, 2, none},
                          Entropy{0, 3, 0, false, 2, none},
                          Entropy{12, 3, 0, false, 2, mean, {}, images},
                          Entropy{12, 3, 0.1, true, 2, none, {}, images}};
  for (const Entropy& p : both) {
    rows.push_back(cross_entropy_case(p));
    rows.push_back(cross_entropy_soft_case(p));
    if (p.smoothing == 0) rows.push_back(nll_case(p));
  }
  for (Reduce reduce : {mean, sum, none})
    for (bool weighted : {false, true}) {
      const Entropy ignoring[] = {Entropy{7, 5, 0, weighted, 2, reduce, 2},
                                  Entropy{7, 5, 0, weighted, 2, reduce, -100},
                                  Entropy{12, 3, 0, weighted, 2, reduce, 255, images}};
      for (Entropy p : ignoring) {
        rows.push_back(nll_case(p));
        rows.push_back(cross_entropy_case(p));
        p.smoothing = 0.2;
        rows.push_back(cross_entropy_case(p));
      }
      for (int power : {1, 2}) {
        rows.push_back(multi_margin_case(Entropy{4, 5, 0, weighted, 2, reduce}, power, 1.0137));
        rows.push_back(
            multi_margin_case(Entropy{12, 3, 0, weighted, 2, reduce, {}, images}, power, 0.5137));
      }
    }
  rows.push_back(multi_margin_case(Entropy{1, 1}, 1, 1));
  rows.push_back(multi_margin_case(Entropy{0, 3}, 2, 1));
  rows.push_back(multi_margin_case(Entropy{3, 70, 0, true}, 1, 0.1037));
  for (const Pair& p : pairs)
    for (const Shape& shape : {Shape{3, 5}, Shape{}, Shape{1}, Shape{0, 3}, Shape{2, 1, 3, 2}})
      for (Reduce reduce : {mean, sum, none}) rows.push_back(pair_case(p, shape, reduce));
  for (Reduce reduce : {mean, sum, none}) {
    rows.push_back(weighted_bce_case({4, 5}, {5}, {}, reduce));
    rows.push_back(weighted_bce_case({4, 5}, {}, {5}, reduce));
    rows.push_back(weighted_bce_case({4, 5}, {4, 1}, {4, 5}, reduce));
  }
  rows.push_back(weighted_bce_case({0, 5}, {5}, {5}, mean));
  for (const Shape& shape : {Shape{3, 5}, Shape{1}, Shape{0, 3}, Shape{2, 1, 3, 2}})
    rows.push_back(kl_div_case(shape));
  for (const Margin& p : {Margin{4, 5}, Margin{4, 5, 0, true}, Margin{6, 7, 0.7},
                          Margin{6, 7, 0.7, true}, Margin{1, 2}, Margin{0, 3}, Margin{3, 70, 50}})
    rows.push_back(margin_case(p));
  return rows;
}

}  // namespace tweed
