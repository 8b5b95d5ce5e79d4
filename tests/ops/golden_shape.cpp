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

Pair pair(const GoldenCase& c, const char* key) {
  return {c.attributes.at(key)[0].get<int64_t>(), c.attributes.at(key)[1].get<int64_t>()};
}
Tensor run_pool_any(const GoldenCase& c, const Tensor& x) {
  const auto p = c.attributes.at("padding").get<std::vector<int64_t>>();
  const Pair kernel = pair(c, "kernel_size"), stride = pair(c, "stride");
  const Padding padding = {p.at(0), p.at(1), p.at(2), p.at(3)};
  if (c.op() == "max_pool2d_any")
    return max_pool2d(x, kernel, {stride, padding, c.flag("ceil_mode"), pair(c, "dilation")});
  return avg_pool2d(x, kernel, {stride, padding, c.flag("ceil_mode"), c.flag("count_include_pad")});
}
Tensor run_pool1d(const GoldenCase& c, const Tensor& x) {
  if (c.op() == "adaptive_avg_pool1d") return adaptive_avg_pool1d(x, c.number("size"));
  const int64_t kernel = c.number("kernel_size"), stride = c.number("stride");
  const int64_t padding = c.number("padding");
  if (c.op() == "max_pool1d")
    return max_pool1d(x, kernel, {stride, padding, c.flag("ceil_mode"), c.number("dilation")});
  return avg_pool1d(x, kernel, {stride, padding, c.flag("ceil_mode"), c.flag("count_include_pad")});
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
  if (op == "adaptive_max_pool2d")
    return adaptive_max_pool2d(in[0], c.number("height"), c.number("width"));
  if (op.ends_with("_any")) return run_pool_any(c, in[0]);
  if (op.ends_with("_pool1d")) return run_pool1d(c, in[0]);
  if (op == "permute") return permute(in[0], c.axes());
  if (op == "slice")
    return slice(in[0], int(c.number("axis")), c.number("first"), c.number("last"));
  if (op == "split") return run_split(c, in[0]);
  if (op == "pad") {
    using Amounts = std::vector<std::pair<int64_t, int64_t>>;
    return pad(in[0], c.attributes.at("amounts").get<Amounts>(), c.real("value"));
  }
  if (op == "pad_mode") {
    const std::string mode = c.attributes.at("mode");
    return pad(in[0], c.attributes.at("amounts").get<PadAmounts>(),
               mode == "reflect"     ? PadMode::reflect
               : mode == "replicate" ? PadMode::replicate
                                     : PadMode::circular);
  }
  if (op == "flip") return flip(in[0], int(c.number("axis")));
  if (op == "gather_rows") return gather_rows(in[0], c["indexes"]);
  if (op == "matmul") return matmul(in[0], in[1], {c.flag("transpose_a"), c.flag("transpose_b")});
  FAIL("no operation for " << op);
  return {};
}

}  // namespace tweed
