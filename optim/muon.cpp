#include "optim/muon.h"

#include <cmath>

#include "kernels/gemm.h"
#include "nn/freeze.h"
#include "optim/arguments.h"

namespace tweed {
namespace {

constexpr double ns_a = 3.4445, ns_b = -4.7750, ns_c = 2.0315, ns_eps = 1e-7;

template <class M, class T>
void divide_by_own_norm(M& here, const Tensor& x) {
  using A = acc_t<T>;
  const DType dtype = accumulator_dtype(x);
  const Tensor scratch = Tensor::empty({sum_of_squares_scratch(x.size())}, dtype, x.device()),
               square = Tensor::empty({1}, dtype, x.device());
  sum_of_squares(here, x.read<T>(), scratch.write<A>(), square.write<A>());
  divide_by_norm(here, ns_eps, square.read<A>(), x.write<T>());
}

// The product of two matrices, one of which may be stored transposed.
template <class M, class T>
void product(M& here, const Tensor& a, bool transpose_a, const Tensor& b, bool transpose_b,
             const Tensor& c) {
  gemm(here,
       Gemm{.m = c.dim(0),
            .n = c.dim(1),
            .k = a.dim(transpose_a ? 0 : 1),
            .transpose_a = transpose_a,
            .transpose_b = transpose_b,
            .lda = a.dim(1),
            .ldb = b.dim(1),
            .ldc = c.dim(1)},
       a.read<T>(), b.read<T>(), c.write<T>());
}

// Changes x in place. The small square side is that of X X^T where X is wide, of X^T X where it is
// tall: X (X^T X) is (X X^T) X.
template <class M, class T>
Tensor iterated(M& here, Tensor x, int steps) {
  divide_by_own_norm<M, T>(here, x);
  const bool tall = x.dim(0) > x.dim(1);
  const int64_t side = tall ? x.dim(1) : x.dim(0);
  const Tensor square = Tensor::empty({side, side}, x.dtype(), x.device()),
               sum = Tensor::empty_like(square);
  Tensor next = Tensor::empty_like(x);
  for (int i = 0; i < steps; ++i) {
    product<M, T>(here, x, tall, x, !tall, square);
    product<M, T>(here, square, false, square, false, sum);
    weighted_sum(here, ns_b, square.read<T>(), ns_c, sum.write<T>());
    tall ? product<M, T>(here, x, false, sum, false, next)
         : product<M, T>(here, sum, false, x, false, next);
    weighted_sum(here, ns_a, x.read<T>(), 1, next.write<T>());
    std::swap(x, next);
  }
  return x;
}

}  // namespace

Muon::Muon(const Optimized& parameters, const Options& options)
    : Optimizer(parameters, options.lr, {"exp_avg", "exp_avg_sq"}), options_(options) {
  set_momentum(options.momentum);
  check_argument("muon", "ns_steps", options.ns_steps,
                 options.ns_steps >= 1 && options.ns_steps <= 100, "from 1 to 100");
  check_not_negative("muon", "weight_decay", options.weight_decay);
  check_not_negative("muon", "adam_rate", options.adam_rate);
  check_below_1("muon", "beta1", options.beta1);
  check_below_1("muon", "beta2", options.beta2);
  check_not_negative("muon", "eps", options.eps);
  for (std::size_t i = 0; i < this->parameters().groups().size(); ++i)
    pieces_.push_back(pieces_of(i));
}

void Muon::set_momentum(double momentum) {
  check_below_1("muon", "momentum", momentum);
  options_.momentum = momentum;
}

bool Muon::is_matrix(const Named& parameter) const {
  for (auto& pattern : options_.by_adam)
    if (matches(parameter.name, pattern)) return false;
  return parameter.tensor.ndim() == 2 || parameter.tensor.ndim() == 4;
}

std::vector<Muon::Piece> Muon::pieces_of(std::size_t number) const {
  const auto& group = parameters().groups()[number];
  const auto& offsets = parameters().offsets();
  std::vector<Piece> pieces;
  for (std::size_t i = 0; i < offsets.size(); ++i) {
    if (offsets[i] < group.first || offsets[i] >= group.last) continue;
    const Named& parameter = parameters().parameters()[i];
    const int64_t first = offsets[i] - group.first, size = parameter.tensor.size();
    if (is_matrix(parameter)) {
      const int64_t rows = parameter.tensor.dim(0);
      pieces.push_back({first, first + size, rows, size / rows});
    } else if (!pieces.empty() && !pieces.back().rows) {
      pieces.back().last = first + size;
    } else {
      pieces.push_back({first, first + size, 0, 0});
    }
  }
  return pieces;
}

StepNumbers Muon::numbers(double lr, double weight_decay, int64_t step) const {
  const double decay = options_.weight_decay * weight_decay;
  return MuonRule{
      lr,
      options_.momentum,
      decay,
      {lr * options_.adam_rate, options_.beta1, options_.beta2, options_.eps, decay, true}}
      .numbers(step);
}

void Muon::update(const Part& p) {
  for (const Piece& piece : pieces_[p.group]) {
    const auto part_of = [&](const Tensor& t) { return t.slice(piece.first, piece.last); };
    const Part own{p.group,
                   p.numbers,
                   part_of(p.grads),
                   part_of(p.values),
                   {part_of(p.kept[0]), part_of(p.kept[1])}};
    piece.rows ? update_matrix(own, piece) : update_rest(own);
  }
}

void Muon::update_matrix(const Part& p, const Piece& piece) {
  const double ratio = std::sqrt(std::max(1., double(piece.rows) / double(piece.columns)));
  with_types("muon", p, [&]<class G, class T>(auto& here) {
    using M = std::remove_reference_t<decltype(here)>;
    const Tensor x =
        Tensor::empty({piece.rows, piece.columns}, p.values.dtype(), p.values.device());
    muon_momentum(here, options_.nesterov, p.numbers.read<double>(), p.grads.read<G>(),
                  p.kept[0].write<T>(), x.write<T>());
    const Tensor step = iterated<M, T>(here, x, options_.ns_steps);
    muon_apply(here, ratio, p.numbers.read<double>(), step.read<T>(), p.values.write<T>());
  });
}

void Muon::update_rest(const Part& p) {
  with_types("muon", p, [&]<class G, class T>(auto& here) {
    adam_step(here, p.numbers.read<double>(), p.grads.read<G>(), p.kept[0].write<T>(),
              p.kept[1].write<T>(), p.values.write<T>());
  });
}

Tensor newton_schulz(const Tensor& x, int steps) {
  if (x.ndim() != 2) fail("newton_schulz", "x is ", x.shape(), ", no matrix");
  Tensor result;
  dispatch("newton_schulz", x, [&]<class T>(auto& here) {
    using M = std::remove_reference_t<decltype(here)>;
    result = iterated<M, T>(here, x.clone(), steps);
  });
  return result;
}

}  // namespace tweed
