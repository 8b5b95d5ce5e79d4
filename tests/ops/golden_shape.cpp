// The operations of golden/ops_shape.safetensors.

#include "autograd/elementwise.h"
#include "autograd/matmul.h"
#include "autograd/pool.h"
#include "autograd/shape_ops.h"
#include "tests/catch.h"
#include "tests/ops/golden_case.h"

namespace tweed {
namespace {

Tensor run_pool(const GoldenCase& c, const Tensor& x) {
  const int64_t kernel = c.number("kernel_size"), stride = c.number("stride");
  const int64_t padding = c.number("padding");
  if (c.op() == "max_pool2d") return max_pool2d(x, kernel, {stride, padding, c.flag("ceil_mode")});
  return avg_pool2d(x, kernel, {stride, padding, c.flag("ceil_mode"), c.flag("count_include_pad")});
}

Tensor run_split(const GoldenCase& c, const Tensor& x) {
  const auto sizes = c.attributes.at("sizes").get<std::vector<int64_t>>();
  const auto parts = split(x, sizes, int(c.number("axis")));
  return parts[0] * parts[1] * parts[2];
}

}  // namespace

Tensor run_golden_shape(const GoldenCase& c, const std::vector<Tensor>& in) {
  const std::string op = c.op();
  if (op == "max_pool2d" || op == "avg_pool2d") return run_pool(c, in[0]);
  if (op == "adaptive_avg_pool2d")
    return adaptive_avg_pool2d(in[0], c.number("height"), c.number("width"));
  if (op == "permute") return permute(in[0], c.axes());
  if (op == "slice")
    return slice(in[0], int(c.number("axis")), c.number("first"), c.number("last"));
  if (op == "split") return run_split(c, in[0]);
  if (op == "pad") {
    using Amounts = std::vector<std::pair<int64_t, int64_t>>;
    return pad(in[0], c.attributes.at("amounts").get<Amounts>(), c.real("value"));
  }
  if (op == "flip") return flip(in[0], int(c.number("axis")));
  if (op == "gather_rows") return gather_rows(in[0], c["indexes"]);
  if (op == "matmul") return matmul(in[0], in[1], {c.flag("transpose_a"), c.flag("transpose_b")});
  FAIL("no operation for " << op);
  return {};
}

}  // namespace tweed
