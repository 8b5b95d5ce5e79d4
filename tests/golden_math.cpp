// The operations of golden/ops_math.safetensors.
#include <catch2/catch.hpp>
#include <map>

#include "autograd/argmax.h"
#include "autograd/elementwise.h"
#include "autograd/reduce.h"
#include "tests/golden_case.h"

namespace tweed {

Tensor run_golden_math(const GoldenCase& c, const std::vector<Tensor>& in) {
  using Function = Tensor (*)(const Tensor&);
  static const std::map<std::string, Function> functions = {
      {"sigmoid", sigmoid}, {"tanh", tanh}, {"gelu", gelu},         {"gelu_tanh", gelu_tanh},
      {"silu", silu},       {"mish", mish}, {"softplus", softplus}, {"hardswish", hardswish},
      {"exp", exp},         {"log", log},   {"sqrt", sqrt},         {"abs", abs},
  };
  using Folding = Tensor (*)(const Tensor&, const std::vector<int>&, bool);
  static const std::map<std::string, Folding> foldings = {
      {"max", max},
      {"min", min},
      {"norm_l1", norm_l1},
      {"norm_l2", norm_l2},
      {"norm_linf", norm_linf},
  };
  const std::string op = c.op();
  if (auto f = functions.find(op); f != functions.end()) return f->second(in[0]);
  if (auto f = foldings.find(op); f != foldings.end())
    return f->second(in[0], c.axes(), c.flag("keep"));
  if (op == "var" || op == "var_all") return var(in[0], c.axes(), c.flag("keep"), op == "var");
  if (op == "leaky_relu") return leaky_relu(in[0], c.real("p"));
  if (op == "elu") return elu(in[0], c.real("p"));
  if (op == "pow") return pow(in[0], c.real("p"));
  if (op == "clamp") return clamp(in[0], c.real("p"), c.real("q"));
  if (op == "maximum") return maximum(in[0], in[1]);
  if (op == "minimum") return minimum(in[0], in[1]);
  if (op == "where") return where(c["condition"], in[0], in[1]);
  if (op == "top_k") {
    const TopK top = top_k(in[0], c.number("k"));
    CHECK(same_bits(top.indexes, c["indexes"]));
    return top.values;
  }
  FAIL("no operation for " << op);
  return {};
}

}  // namespace tweed
