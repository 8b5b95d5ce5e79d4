// The operations of golden/ops_loss.safetensors.

#include "autograd/loss.h"
#include "tests/catch.h"
#include "tests/ops/golden_case.h"

namespace tweed {

namespace {

Reduce reduction(const GoldenCase& c) {
  const std::string name = c.attributes.value("reduce", "mean");
  return name == "mean" ? Reduce::mean : name == "sum" ? Reduce::sum : Reduce::none;
}
Tensor tensor_or_none(const GoldenCase& c, const char* name) {
  return c.has(name) ? c[name] : Tensor();
}

std::optional<int32_t> ignored(const GoldenCase& c) {
  const auto found = c.attributes.find("ignore");
  if (found == c.attributes.end() || found->is_null()) return {};
  return found->get<int32_t>();
}

}  // namespace

Tensor run_golden_loss(const GoldenCase& c, const std::vector<Tensor>& in) {
  const std::string op = c.op();
  const Reduce reduce = reduction(c);
  const Tensor weights = tensor_or_none(c, "weights");
  auto options = [&]() -> CrossEntropyOptions {
    return {c.real("smoothing"), weights, reduce, ignored(c)};
  };
  if (op == "cross_entropy") return cross_entropy(in[0], c["targets"], options());
  if (op == "cross_entropy_soft") return cross_entropy_soft(in[0], c["targets"], options());
  if (op == "nll_loss") return nll_loss(in[0], c["targets"], {weights, reduce, ignored(c)});
  if (op == "multi_margin_loss")
    return multi_margin_loss(in[0], c["targets"],
                             {int(c.number("p")), c.real("margin"), weights, reduce});
  if (op == "mse_loss") return mse_loss(in[0], in[1], reduce);
  if (op == "l1_loss") return l1_loss(in[0], in[1], reduce);
  if (op == "smooth_l1_loss") return smooth_l1_loss(in[0], in[1], c.real("beta"), reduce);
  if (op == "bce_with_logits")
    return bce_with_logits(in[0], in[1],
                           {tensor_or_none(c, "weight"), tensor_or_none(c, "pos_weight"), reduce});
  if (op == "kl_div") return kl_div(in[0], in[1]);
  if (op == "margin_loss")
    return margin_loss(in[0], c["targets"], c.real("kappa"), c.flag("targeted"));
  FAIL("no operation for " << op);
  return {};
}

}  // namespace tweed
