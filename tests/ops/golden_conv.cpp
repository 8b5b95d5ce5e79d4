// The operations of golden/ops_conv.safetensors.
#include "autograd/conv.h"
#include "tests/catch.h"
#include "tests/ops/golden_case.h"

namespace tweed {
namespace {

Pair pair(const GoldenCase& c, const char* key) {
  const auto& v = c.attributes.at(key);
  return {v.at(0).get<int64_t>(), v.at(1).get<int64_t>()};
}
Padding padding(const GoldenCase& c) {
  const auto v = c.attributes.at("padding").get<std::vector<int64_t>>();
  return {v.at(0), v.at(1), v.at(2), v.at(3)};
}

}  // namespace

Tensor run_golden_conv(const GoldenCase& c, const std::vector<Tensor>& in) {
  const std::string op = c.op();
  const Tensor bias = in.size() > 2 ? in[2] : Tensor();
  if (op == "conv2d")
    return conv2d(in[0], in[1], bias,
                  {.stride = pair(c, "stride"),
                   .padding = padding(c),
                   .dilation = pair(c, "dilation"),
                   .groups = c.number("groups")});
  if (op == "conv_transpose2d")
    return conv_transpose2d(in[0], in[1], bias,
                            {.stride = pair(c, "stride"),
                             .padding = padding(c),
                             .output_padding = pair(c, "output_padding"),
                             .dilation = pair(c, "dilation"),
                             .groups = c.number("groups")});
  if (op == "conv1d")
    return conv1d(in[0], in[1], bias,
                  {.stride = c.number("stride"),
                   .padding = pair(c, "padding"),
                   .dilation = c.number("dilation"),
                   .groups = c.number("groups")});
  if (op == "conv_transpose1d")
    return conv_transpose1d(in[0], in[1], bias,
                            {.stride = c.number("stride"),
                             .padding = pair(c, "padding"),
                             .output_padding = c.number("output_padding"),
                             .dilation = c.number("dilation"),
                             .groups = c.number("groups")});
  FAIL("no operation for " << op);
  return {};
}

}  // namespace tweed
