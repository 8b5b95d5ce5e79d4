// The operations of golden/ops_attention.safetensors.
#include "autograd/attention.h"
#include "tests/ops/golden_case.h"

namespace tweed {

Tensor run_golden_attention(const GoldenCase& c, const std::vector<Tensor>& in) {
  if (c.op() == "attention") return attention(in[0], c.number("heads"));
  if (c.op() == "window_attention")
    return window_attention(in[0], c.number("heads"), c.number("window"));
  if (c.op() == "masked")
    return scaled_dot_product_attention(in[0], in[1], in[2],
                                        {.causal = c.flag("causal"),
                                         .mask = in.size() > 3 ? in[3] : c["mask"],
                                         .scale = c.real("scale")});
  return scaled_dot_product_attention(in[0], in[1], in[2], c.flag("causal"));
}

}  // namespace tweed
