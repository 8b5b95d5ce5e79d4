// Functions of one number, element by element: activations and others. Formulas and gradients stand
// side by side in kernels/formulas.h.
//
// Each takes any shape and a floating dtype and returns the same shape and dtype. A NaN in x gives
// NaN in y. Gradients at kinks, such as relu's at 0, are PyTorch's, and so are results at infinity:
// where PyTorch's formula multiplies infinity by 0, as in gelu(-inf), they are NaN. One differs:
// mish's gradient at infinity is 1, its limit, where PyTorch gives NaN.
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

/// min(max(x, 0), 6). The gradient at 0 and 6 is 0. Saves the result.
Tensor relu6(const Tensor& x);
/// min(max(x + 3, 0), 6) / 6. The gradient at -3 and 3 is 0. Saves x.
Tensor hardsigmoid(const Tensor& x);
/// min(max(x, low), high), whose gradient where x equals a bound is 0: clamp() has 1 there. Saves x
/// and max(x, low). @throws ShapeError  "[hardtanh] from 2 to 1"
Tensor hardtanh(const Tensor& x, double low = -1, double high = 1);

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
/// min(max(x, low), high). The gradient where x equals a bound is 1 (in PyTorch that depends on the
/// version). An infinite bound is left out. Saves x; with two finite bounds max(x, low), too.
/// @throws ShapeError  "[clamp] from 2 to 1"
Tensor clamp(const Tensor& x, double low, double high);

}  // namespace tweed
