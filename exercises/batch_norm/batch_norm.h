#pragma once
#include <vector>

namespace tweed::exercise {

using Floats = std::vector<float>;

struct Normalised {
  Floats y;           ///< (rows, channels)
  Floats mean, rstd;  ///< (channels), for the way back
};
/// Batch normalisation in training, by the batch's mean and biased variance.
///
/// @param x            (rows, channels): channel c of row r is x[r * channels + c]
/// @param gamma, beta  (channels)
Normalised batch_norm(int rows, int channels, const Floats& x, const Floats& gamma,
                      const Floats& beta, float eps);

struct NormGradients {
  Floats dx, dgamma, dbeta;
};
/// @param saved  what batch_norm() gave
/// @param dy     (rows, channels), the loss's gradient with respect to y
NormGradients batch_norm_backward(int rows, int channels, const Floats& x, const Floats& gamma,
                                  const Normalised& saved, const Floats& dy);

}  // namespace tweed::exercise
