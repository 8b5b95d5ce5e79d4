// The operations of golden/ops_index.safetensors.

#include "autograd/indexing.h"
#include "autograd/matmul.h"
#include "autograd/reduce.h"
#include "tests/catch.h"
#include "tests/ops/golden_case.h"

namespace tweed {

Tensor run_golden_index(const GoldenCase& c, const std::vector<Tensor>& in) {
  const std::string op = c.op();
  auto axis = [&] { return int(c.number("axis")); };
  if (op == "cumsum") return cumsum(in[0], axis(), {c.flag("exclusive"), c.flag("reverse")});
  if (op == "prod") return c["y"].ndim() ? prod(in[0], c.axes(), c.flag("keep")) : prod(in[0]);
  if (op == "gather") return gather(in[0], c["index"], axis());
  if (op == "scatter") return scatter(in[0], c["index"], in[1], axis());
  if (op == "scatter_add") return scatter_add(in[0], c["index"], in[1], axis());
  if (op == "index_select") return index_select(in[0], c["index"], axis());
  if (op == "matmul") return matmul(in[0], in[1]);
  if (op == "einsum") return einsum(c.attributes.at("text"), in);
  FAIL("no operation for " << op);
  return {};
}

}  // namespace tweed
