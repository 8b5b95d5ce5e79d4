// The operations of golden/ops_functions.safetensors.

#include "autograd/elementwise.h"
#include "tests/catch.h"
#include "tests/ops/golden_case.h"

namespace tweed {

Tensor run_golden_functions(const GoldenCase& c, const std::vector<Tensor>& in) {
  const std::string op = c.op();
  const Tensor& x = in[0];
  if (op == "leaky_relu") return leaky_relu(x, 0.1);
  if (op == "elu") return elu(x, 1.5);
  if (op == "sigmoid") return sigmoid(x);
  if (op == "tanh") return tanh(x);
  if (op == "gelu") return gelu(x);
  if (op == "gelu_tanh") return gelu_tanh(x);
  if (op == "silu") return silu(x);
  if (op == "mish") return mish(x);
  if (op == "softplus") return softplus(x);
  if (op == "hardswish") return hardswish(x);
  if (op == "relu6") return relu6(x);
  if (op == "hardsigmoid") return hardsigmoid(x);
  if (op == "hardtanh") return hardtanh(x, -2, 1.5);
  if (op == "prelu") return prelu(x, in[1]);
  if (op == "exp") return exp(x);
  if (op == "log") return log(x);
  if (op == "sqrt") return sqrt(x);
  if (op == "abs") return abs(x);
  if (op == "clamp") return clamp(x, -2, 1.5);
  if (op.rfind("pow_", 0) == 0) return pow(x, std::stod(op.substr(4)));
  if (op == "maximum") return maximum(x, in[1]);
  if (op == "minimum") return minimum(x, in[1]);
  if (op == "where") return where(c["condition"], x, in[1]);
  FAIL("no operation for " << op);
  return {};
}

}  // namespace tweed
