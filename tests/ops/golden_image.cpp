// The operations of golden/ops_image.safetensors.

#include "autograd/image_ops.h"
#include "tests/catch.h"
#include "tests/ops/golden_case.h"

namespace tweed {

Tensor run_golden_image(const GoldenCase& c, const std::vector<Tensor>& in) {
  const std::string op = c.op();
  if (op == "resize_bilinear") return resize_bilinear(in[0], c.number("height"), c.number("width"));
  if (op == "rotate") return rotate(in[0], c.real("degrees"));
  if (op == "crop")
    return crop(in[0], c.number("top"), c.number("left"), c.number("height"), c.number("width"));
  if (op == "grey") return grey(in[0]);
  FAIL("no operation for " << op);
  return {};
}

}  // namespace tweed
