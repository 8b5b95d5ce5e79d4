// Normalisation.
#pragma once
#include "autograd/graph.h"
#include "kernels/bias.h"

namespace tweed {

/// The other parts of a batch, which other processes have: what batch norm asks for so that its
/// statistics are those of all. Every process asks for the same, in the same order.
class BatchParts {
 public:
  virtual ~BatchParts() = default;
  /// The images of all parts, and of this one. Part p begins with image images() * p / parts.
  virtual int64_t images() const = 0;
  virtual int64_t own_images() const = 0;
  /// What each process has for `own`, in the order of the parts: (parts, ...).
  virtual Tensor gather(const Tensor& own) const = 0;
};

struct BatchNormOptions {
  bool training = false;  ///< normalises by the batch's statistics, and updates the running ones
  double momentum = 0.1, eps = 1e-5;
  Activation activation = Activation::none;  ///< none, or relu in the same pass
  Tensor batches;  ///< int32, one element, counted up in training; may be undefined
  /// In training, the other parts of the batch, which must outlive the graph. Null: x is all of it.
  const BatchParts* parts = nullptr;
};

/// Batch normalisation over the last axis, with PyTorch's conventions.
///
///   y = activation((x - mean) * rstd * gamma + beta),   rstd = 1 / sqrt(var + eps)
///
/// In training, mean and the biased variance are the batch's, over all leading axes, and
///
///   running = (1 - momentum) * running + momentum * batch
///
/// with the unbiased variance. Otherwise they are the running ones.
///
/// @param x             (..., C)
/// @param gamma, beta   (C), scale and shift
/// @param running_mean, running_var  (C), x's dtype, or float32 for bfloat16; updated in training;
///                      in training both may be undefined
/// @return              x's shape
/// @throws ShapeError   "[batch_norm] gamma is (3), x is (8, 512)"; in training for a single row,
///                      which has no variance
/// Saves x, gamma, mean, rstd, and the result if there is an activation.
/// Source: Ioffe, Szegedy 2015, arXiv:1502.03167
Tensor batch_norm(const Tensor& x, const Tensor& gamma, const Tensor& beta,
                  const Tensor& running_mean, const Tensor& running_var,
                  const BatchNormOptions& options);

/// Layer normalisation: each row by its own mean and biased variance.
///
///   y = (x - mean) * rstd * gamma + beta,   rstd = 1 / sqrt(var + eps)
///
/// @param x            (..., C), C >= 1
/// @param gamma, beta  (C), scale and shift
/// @return             x's shape
/// @throws ShapeError  "[layer_norm] gamma is (3), x is (8, 512)"
/// Saves x, gamma, mean, rstd. A NaN or an infinity in a row makes the whole row NaN.
/// Source: Ba, Kiros, Hinton 2016, arXiv:1607.06450
Tensor layer_norm(const Tensor& x, const Tensor& gamma, const Tensor& beta, double eps = 1e-5);

/// Normalisation of each row by its root mean square, without a mean or a shift.
///
///   y = x * rstd * gamma,   rstd = 1 / sqrt(mean of x^2 + eps)
///
/// @param x      (..., C), C >= 1
/// @param gamma  (C), scale
/// @param eps    PyTorch's is the distance from 1 to the next number: by default that of float32
/// @return       x's shape
/// @throws ShapeError  "[rms_norm] gamma is (3), x is (8, 512)"
/// Saves x, gamma, rstd. A NaN or an infinity in a row makes the whole row NaN, or 0 beside NaN.
/// Source: Zhang, Sennrich 2019, arXiv:1910.07467
Tensor rms_norm(const Tensor& x, const Tensor& gamma, double eps = 0x1p-23);

/// Group normalisation: each sample's groups of neighbouring channels, over all its pixels, by
/// their own mean and biased variance.
///
///   y = (x - mean) * rstd * gamma + beta,   rstd = 1 / sqrt(var + eps)
///
/// @param x            (N, ..., C)
/// @param groups       divides C; C of them is instance norm
/// @param gamma, beta  (C), scale and shift
/// @return             x's shape
/// @throws ShapeError  "[group_norm] 4 groups of (2, 8, 8, 6)"
/// Saves x, gamma, and mean and rstd for each sample and channel.
/// Source: Wu, He 2018, arXiv:1803.08494
Tensor group_norm(const Tensor& x, int64_t groups, const Tensor& gamma, const Tensor& beta,
                  double eps = 1e-5);

/// Instance normalisation: each channel of each sample by itself, which is group_norm() with a
/// group for each channel.
///
/// @param x            (N, ..., C)
/// @param gamma, beta  (C), or both undefined for 1 and 0
/// @return             x's shape
/// Saves as group_norm(). Source: Ulyanov, Vedaldi, Lempitsky 2016, arXiv:1607.08022
Tensor instance_norm(const Tensor& x, const Tensor& gamma = {}, const Tensor& beta = {},
                     double eps = 1e-5);

}  // namespace tweed
