// The operations of golden/ops_norm.safetensors.

#include "autograd/norm.h"
#include "tests/catch.h"
#include "tests/ops/golden_case.h"

namespace tweed {

Tensor run_golden_norm(const GoldenCase& c, const std::vector<Tensor>& in) {
  if (c.op() == "layer_norm") return layer_norm(in[0], in[1], in[2], c.real("eps"));
  if (c.op() == "group_norm") return group_norm(in[0], c.number("groups"), in[1], in[2]);
  if (c.op() == "rms_norm") return rms_norm(in[0], in[1], c.real("eps"));
  if (c.op() == "instance_norm")
    return in.size() > 1 ? instance_norm(in[0], in[1], in[2]) : instance_norm(in[0]);
  FAIL("no operation for " << c.op());
  return {};
}

}  // namespace tweed
