// Functions of one number, element by element: activations and others. Formulas and gradients stand
// side by side in kernels/formulas.h.
//
// Each takes any shape and a floating dtype and returns the same shape and dtype. NaN passes
// through, and gradients at kinks are PyTorch's. So are results at infinity, NaN where its formula
// multiplies it by 0, as for gelu(-inf); but mish's slope at inf is 1.
#pragma once
#include "autograd/graph.h"

namespace tweed {

/// a * x, and x + a, for a number a. Save nothing.
Tensor scale(const Tensor& x, double a);
Tensor add_scalar(const Tensor& x, double a);
Tensor neg(const Tensor& x);

/// max(x, 0). The gradient at 0 is 0. Saves the result.
Tensor relu(const Tensor& x);
/// x if it is positive, else slope * x. Saves x.
Tensor leaky_relu(const Tensor& x, double slope = 0.01);
/// x if it is positive, else alpha (exp(x) - 1). Saves x. Source: Clevert 2015, arXiv:1511.07289
Tensor elu(const Tensor& x, double alpha = 1);
/// 1 / (1 + exp(-x)). Saves the result.
Tensor sigmoid(const Tensor& x);
/// Saves the result.
Tensor tanh(const Tensor& x);
/// x times the distribution function of the standard normal distribution. Saves x.
/// Source: Hendrycks, Gimpel 2016, arXiv:1606.08415
Tensor gelu(const Tensor& x);
/// Its approximation 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))). Saves x.
Tensor gelu_tanh(const Tensor& x);
/// x sigmoid(x), also called swish. Saves x.
Tensor silu(const Tensor& x);
/// x tanh(softplus(x)). Saves x. Source: Misra 2019, arXiv:1908.08681
Tensor mish(const Tensor& x);
/// log(1 + exp(x)), and x itself beyond 20. Saves x.
Tensor softplus(const Tensor& x);
/// x min(max(x + 3, 0), 6) / 6. Saves x. Source: Howard 2019, arXiv:1905.02244
Tensor hardswish(const Tensor& x);

/// Saves the result.
Tensor exp(const Tensor& x);
/// The natural logarithm. Saves x.
Tensor log(const Tensor& x);
/// Its gradient at 0 is infinite. Saves the result.
Tensor sqrt(const Tensor& x);
/// The gradient at 0 is 0. Saves x.
Tensor abs(const Tensor& x);
/// x to the power of a number. Saves x.
Tensor pow(const Tensor& x, double exponent);
/// min(max(x, low), high); gradients pass at the bounds themselves (in PyTorch that
/// depends on the version). Saves x, and once more where
/// both bounds are finite: infinite ones cost nothing.
/// @throws ShapeError  "[clamp] from 2 to 1"
Tensor clamp(const Tensor& x, double low, double high);

}  // namespace tweed
