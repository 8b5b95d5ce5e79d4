// Batch normalisation, there and back.
#include "batch_norm.h"

#include <cmath>

namespace tweed::exercise {

Normalised batch_norm(int rows, int channels, const Floats& x, const Floats& gamma,
                      const Floats& beta, float eps) {
  Normalised result{Floats(x.size()), Floats(gamma.size()), Floats(gamma.size())};
  for (int c = 0; c < channels; ++c) {
    double mean = 0, squares = 0;
    for (int r = 0; r < rows; ++r) mean += x[r * channels + c];
    mean /= rows;
    for (int r = 0; r < rows; ++r) squares += std::pow(x[r * channels + c] - mean, 2);
    const double rstd = 1 / std::sqrt(squares / rows + eps);
    for (int r = 0; r < rows; ++r)
      result.y[r * channels + c] = float((x[r * channels + c] - mean) * rstd * gamma[c] + beta[c]);
    result.mean[c] = float(mean);
    result.rstd[c] = float(rstd);
  }
  return result;
}

NormGradients batch_norm_backward(int rows, int channels, const Floats& x, const Floats& gamma,
                                  const Normalised& saved, const Floats& dy) {
  NormGradients g{Floats(x.size()), Floats(gamma.size()), Floats(gamma.size())};
  for (int c = 0; c < channels; ++c) {
    auto xhat = [&](int r) { return (x[r * channels + c] - saved.mean[c]) * saved.rstd[c]; };
    for (int r = 0; r < rows; ++r) {
      g.dbeta[c] += dy[r * channels + c];
      g.dgamma[c] += dy[r * channels + c] * xhat(r);
    }
    for (int r = 0; r < rows; ++r)
      g.dx[r * channels + c] =
          gamma[c] * saved.rstd[c] *
          (dy[r * channels + c] - g.dbeta[c] / rows - xhat(r) * g.dgamma[c] / rows);
  }
  return g;
}

}  // namespace tweed::exercise
