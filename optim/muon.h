// Muon: steps whose singular values are all about 1.
#pragma once
#include "optim/optimizer.h"

namespace tweed {

/// For matrices and convolution filters, which are taken as matrices (Co, K K Ci):
///
///   m = momentum m + (1 - momentum) grad;   u = m, or (1 - momentum) grad + momentum m (Nesterov)
///   X = u / |u|,  then ns_steps times  X = a X + (b X X^T + c (X X^T)^2) X
///   w = w - lr (sqrt(max(1, rows / columns)) X + weight_decay w)
///
/// The iteration, by Newton and Schulz, makes of u's singular values numbers from about 0.7 to 1.2,
/// with (a, b, c) = (3.4445, -4.7750, 2.0315): a step that no direction dominates. It is computed
/// in the weights' dtype, where PyTorch's torch.optim.Muon rounds to bfloat16.
///
/// All else (biases, scales of norms, positions) is trained by AdamW at lr * adam_rate, and so is
/// what by_adam names: by the author's advice the last layer, whose rows are classes.
///
/// State: exp_avg (m of both), exp_avg_sq (of AdamW; zeros for matrices). A step takes 3 ns_steps +
/// 4 launches for each matrix. Sources: Jordan 2024, kellerjordan.github.io/posts/muon, and his
/// reference github.com/KellerJordan/Muon, whose factor of the rate for filters is 1: here it is
/// that of their matrices, as in torch.optim.Muon on the same matrix.
class Muon : public Optimizer {
 public:
  struct Options {
    double lr = 0.02, weight_decay = 0.01, momentum = 0.95;
    bool nesterov = true;
    int ns_steps = 5;
    double adam_rate = 0.015;                       ///< of lr, for AdamW's part: 3e-4 beside 0.02
    double beta1 = 0.9, beta2 = 0.95, eps = 1e-10;  ///< of AdamW
    std::vector<std::string> by_adam;  ///< patterns of names, as for matches() in nn/freeze.h
  };
  /// @throws Error  "[muon] momentum is 1, not from 0 to below 1"; ns_steps is from 1 to 100, other
  ///                options are finite and not negative
  Muon(const Optimized& parameters, const Options& options);
  void set_momentum(double momentum) override;

 private:
  // A matrix, or what lies between two: neighbours that AdamW changes in one launch.
  struct Piece {
    int64_t first, last;    // in its group
    int64_t rows, columns;  // 0: of AdamW
  };
  StepNumbers numbers(double lr, double weight_decay, int64_t step) const override;
  void update(const Part& part) override;
  std::vector<Piece> pieces_of(std::size_t group) const;
  bool is_matrix(const Named& parameter) const;
  void update_matrix(const Part& part, const Piece& piece);
  void update_rest(const Part& part);

  Options options_;
  std::vector<std::vector<Piece>> pieces_;  // of each group
};

/// What five steps of Newton and Schulz's iteration make of a matrix: one with the same singular
/// vectors, whose singular values are near 1. It is what Muon calls orthogonalised.
/// @param x  (rows, columns), floating. @return  the same shape, dtype and device; records nothing
Tensor newton_schulz(const Tensor& x, int steps = 5);

}  // namespace tweed
