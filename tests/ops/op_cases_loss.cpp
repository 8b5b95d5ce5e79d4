// Losses.
#include <cmath>

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

struct Entropy {
  int64_t rows, classes;
  double smoothing = 0;
  bool weighted = false;
  double reach = 2;  // of the logits

  std::string text() const {
    return Shape{rows, classes}.str() + " smoothing " + std::to_string(smoothing) +
           (weighted ? " weighted" : "");
  }
  double weight(int64_t c) const { return weighted ? 0.25 + 0.5 * double(c % 4) : 1; }
  int64_t target(int64_t row) const { return row * 7 % classes; }
  // Eighths, which bfloat16 holds exactly; a few are 0, and rows do not add up to 1.
  double probability(int64_t row, int64_t c) const { return double((row + 3 * c) % 5) / 8; }

  CrossEntropyOptions options(const Tensor& logits) const {
    CrossEntropyOptions options = {smoothing};
    std::vector<double> w;
    for (int64_t c = 0; c < classes; ++c) w.push_back(weight(c));
    if (weighted)
      options.class_weights = Tensor::from(w, {classes}).to(logits.dtype()).to(logits.device());
    return options;
  }
};

OpCase cross_entropy_case(const Entropy& p) {
  auto run = [=](auto& in) {
    std::vector<int32_t> targets;
    for (int64_t i = 0; i < p.rows; ++i) targets.push_back(int32_t(p.target(i)));
    return cross_entropy(in[0], Tensor::from(targets, {p.rows}, in[0].device()), p.options(in[0]));
  };
  auto reference = [=](const Arrays& in) {
    double hits = 0, spread = 0, weights = 0;
    for (int64_t i = 0; i < p.rows; ++i) {
      const std::vector<double> row = surprises(in[0], i, p.classes);
      hits += p.weight(p.target(i)) * row[std::size_t(p.target(i))];
      weights += p.weight(p.target(i));
      for (int64_t c = 0; c < p.classes; ++c) spread += p.weight(c) * row[std::size_t(c)];
    }
    Array y(Shape{});
    y[0] = (1 - p.smoothing) * hits / weights + p.smoothing / double(p.classes) * spread / weights;
    return y;
  };
  return {"cross_entropy", p.text(), {{{p.rows, p.classes}, -p.reach, p.reach}}, run, reference};
}

OpCase cross_entropy_soft_case(const Entropy& p) {
  auto run = [=](auto& in) {
    std::vector<double> values;
    for (int64_t i = 0; i < p.rows; ++i)
      for (int64_t c = 0; c < p.classes; ++c) values.push_back(p.probability(i, c));
    const Tensor probabilities = Tensor::from(values, {p.rows, p.classes});
    return cross_entropy_soft(in[0], probabilities.to(in[0].dtype()).to(in[0].device()),
                              p.options(in[0]));
  };
  auto reference = [=](const Arrays& in) {
    Array y(Shape{});
    for (int64_t i = 0; i < p.rows; ++i) {
      const std::vector<double> row = surprises(in[0], i, p.classes);
      for (int64_t c = 0; c < p.classes; ++c) {
        const double uniform = 1 / double(p.classes);
        const double q = (1 - p.smoothing) * p.probability(i, c) + p.smoothing * uniform;
        y[0] += p.weight(c) * q * row[std::size_t(c)];
      }
    }
    y[0] /= double(p.rows);
    return y;
  };
  return {
      "cross_entropy_soft", p.text(), {{{p.rows, p.classes}, -p.reach, p.reach}}, run, reference};
}

OpCase mse_case(const Shape& shape) {
  return {"mse_loss",
          shape.str(),
          {{shape}, {shape}},
          [](auto& in) { return mse_loss(in[0], in[1]); },
          [](const Arrays& in) {
            Array y(Shape{});
            for (int64_t i = 0; i < in[0].shape.size(); ++i)
              y[0] += (in[0][i] - in[1][i]) * (in[0][i] - in[1][i]);
            y[0] /= double(in[0].shape.size());
            return y;
          }};
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
  for (const Entropy& p :
       {Entropy{4, 5}, Entropy{1, 1}, Entropy{3, 70, 0, false, 20}, Entropy{4, 5, 0.1},
        Entropy{4, 5, 0, true}, Entropy{3, 7, 0.2, true}, Entropy{3, 70, 1, true}, Entropy{0, 3},
        Entropy{0, 3, 0.1, true}, Entropy{1, 1, 0.5, true}}) {
    rows.push_back(cross_entropy_case(p));
    rows.push_back(cross_entropy_soft_case(p));
  }
  for (const Shape& shape : {Shape{3, 5}, Shape{}, Shape{1}, Shape{0, 3}, Shape{2, 1, 3, 2}})
    rows.push_back(mse_case(shape));
  for (const Shape& shape : {Shape{3, 5}, Shape{1}, Shape{0, 3}, Shape{2, 1, 3, 2}})
    rows.push_back(kl_div_case(shape));
  for (const Margin& p : {Margin{4, 5}, Margin{4, 5, 0, true}, Margin{6, 7, 0.7},
                          Margin{6, 7, 0.7, true}, Margin{1, 2}, Margin{0, 3}, Margin{3, 70, 50}})
    rows.push_back(margin_case(p));
  return rows;
}

}  // namespace tweed
