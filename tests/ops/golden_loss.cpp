// The operations of golden/ops_loss.safetensors.

#include "autograd/loss.h"
#include "tests/catch.h"
#include "tests/ops/golden_case.h"

namespace tweed {

Tensor run_golden_loss(const GoldenCase& c, const std::vector<Tensor>& in) {
  const std::string op = c.op();
  auto options = [&]() -> CrossEntropyOptions {
    return {c.real("smoothing"), c.has("weights") ? c["weights"] : Tensor()};
  };
  if (op == "cross_entropy") return cross_entropy(in[0], c["targets"], options());
  if (op == "cross_entropy_soft") return cross_entropy_soft(in[0], c["targets"], options());
  if (op == "mse_loss") return mse_loss(in[0], in[1]);
  if (op == "kl_div") return kl_div(in[0], in[1]);
  if (op == "margin_loss")
    return margin_loss(in[0], c["targets"], c.real("kappa"), c.flag("targeted"));
  FAIL("no operation for " << op);
  return {};
}

}  // namespace tweed
