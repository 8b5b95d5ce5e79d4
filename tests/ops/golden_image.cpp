// The operations of golden/ops_image.safetensors.

#include "autograd/image_ops.h"
#include "tests/catch.h"
#include "tests/ops/golden_case.h"

namespace tweed {
namespace {

Tensor run_resize(const GoldenCase& c, const Tensor& x) {
  const std::string mode = c.attributes.at("mode");
  const int64_t height = c.number("height"), width = c.number("width");
  const auto f = c.attributes.at("factor").get<std::vector<double>>();
  const ResizeFactor factor = {f.at(0), f.at(1)};
  const ResizeOptions options = {c.flag("align_corners"), c.flag("antialias"), factor};
  if (mode == "bilinear") return resize_bilinear(x, height, width, options);
  if (mode == "bicubic") return resize_bicubic(x, height, width, options);
  return resize_nearest(x, height, width, {mode == "nearest-exact", factor});
}

}  // namespace

Tensor run_golden_image(const GoldenCase& c, const std::vector<Tensor>& in) {
  const std::string op = c.op();
  if (op == "resize_bilinear") return resize_bilinear(in[0], c.number("height"), c.number("width"));
  if (op == "resize") return run_resize(c, in[0]);
  if (op == "rotate") return rotate(in[0], c.real("degrees"));
  if (op == "crop")
    return crop(in[0], c.number("top"), c.number("left"), c.number("height"), c.number("width"));
  if (op == "grey") return grey(in[0]);
  FAIL("no operation for " << op);
  return {};
}

}  // namespace tweed
