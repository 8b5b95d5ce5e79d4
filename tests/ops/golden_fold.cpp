// The operations of golden/ops_fold.safetensors.
#include <map>

#include "autograd/argmax.h"
#include "autograd/reduce.h"
#include "tests/catch.h"
#include "tests/ops/golden_case.h"

namespace tweed {

Tensor run_golden_fold(const GoldenCase& c, const std::vector<Tensor>& in) {
  using Folding = Tensor (*)(const Tensor&, const std::vector<int>&, bool);
  static const std::map<std::string, Folding> foldings = {
      {"max", max},
      {"min", min},
      {"norm_l1", norm_l1},
      {"norm_l2", norm_l2},
      {"norm_linf", norm_linf},
  };
  const std::string op = c.op();
  if (auto f = foldings.find(op); f != foldings.end())
    return f->second(in[0], c.axes(), c.flag("keep"));
  if (op == "var" || op == "var_all") return var(in[0], c.axes(), c.flag("keep"), op == "var");
  if (op == "top_k") {
    const TopK top = top_k(in[0], c.number("k"));
    CHECK(same_bits(top.indexes, c["indexes"]));
    return top.values;
  }
  FAIL("no operation for " << op);
  return {};
}

}  // namespace tweed
