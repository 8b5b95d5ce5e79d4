// The operations of golden/ops.safetensors.

#include "autograd/conv.h"
#include "autograd/dispatch.h"
#include "autograd/elementwise.h"
#include "autograd/loss.h"
#include "autograd/matmul.h"
#include "autograd/norm.h"
#include "autograd/pool.h"
#include "autograd/reduce.h"
#include "autograd/shape_ops.h"
#include "tests/catch.h"
#include "tests/ops/golden_case.h"

namespace tweed {
namespace {

Tensor run_batch_norm(const GoldenCase& c, const std::vector<Tensor>& in) {
  Tensor mean = c["running_mean"].clone(), var = c["running_var"].clone();
  const bool train = c.attributes.at("train").get<bool>();
  Tensor y = batch_norm(in[0], in[1], in[2], mean, var,
                        {.training = train,
                         .momentum = c.attributes.value("momentum", 0.1),
                         .eps = c.attributes.value("eps", 1e-5)});
  if (c.has("running_mean_after")) {
    CHECK(difference(mean.to_doubles(), c["running_mean_after"].to_doubles(), 1e-13) == "");
    CHECK(difference(var.to_doubles(), c["running_var_after"].to_doubles(), 1e-13) == "");
  }
  return y;
}

}  // namespace

Tensor run_golden_ops(const GoldenCase& c, const std::vector<Tensor>& in) {
  const std::string op = c.op();
  if (op == "add") return in[0] + in[1];
  if (op == "sub") return in[0] - in[1];
  if (op == "mul") return in[0] * in[1];
  if (op == "div") return in[0] / in[1];
  if (op == "relu") return relu(in[0]);
  if (op == "matmul") return matmul(in[0], in[1]);
  if (op == "linear") return linear(in[0], in[1], in.size() > 2 ? in[2] : Tensor());
  if (op == "conv2d")
    return conv2d(in[0], in[1], in.size() > 2 ? in[2] : Tensor(),
                  {c.number("stride"), c.number("padding")});
  if (op == "unfold")
    return unfold(in[0], c.number("kernel_size"), c.number("stride"), c.number("padding"));
  if (op == "fold")
    return fold(in[0], c["y"].shape(), c.number("kernel_size"), c.number("stride"),
                c.number("padding"));
  if (op == "max_pool2d")
    return max_pool2d(in[0], c.number("kernel_size"), {c.number("stride"), c.number("padding")});
  if (op == "avg_pool2d")
    return avg_pool2d(in[0], c.number("kernel_size"), {c.number("stride"), c.number("padding")});
  if (op == "global_avg_pool") return global_avg_pool(in[0]);
  if (op == "batch_norm") return run_batch_norm(c, in);
  if (op == "reshape") {
    const Shape shape = c["y"].shape();
    return reshape(in[0], {shape.begin(), shape.end()});
  }
  if (op == "flatten") return flatten(in[0]);
  if (op == "concat") return concat(in, int(c.number("axis")));
  if (op == "sum" || op == "mean") {
    const bool all = c["y"].ndim() == 0;
    if (op == "sum") return all ? sum(in[0]) : sum(in[0], c.axes());
    return all ? mean(in[0]) : mean(in[0], c.axes());
  }
  if (op == "softmax") return softmax(in[0]);
  if (op == "log_softmax") return log_softmax(in[0]);
  if (op == "cross_entropy") return cross_entropy(in[0], c["targets"]);
  FAIL("no operation for " << op);
  return {};
}

}  // namespace tweed
