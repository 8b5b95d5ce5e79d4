// Functions, products and quotients of zero, tiny, huge, infinite and NaN arguments, forward and
// back, against PyTorch's stored results in float32 and float64.
#include <cmath>
#include <set>
#include <sstream>

#include "apps/paths.h"
#include "autograd/elementwise.h"
#include "tests/catch.h"
#include "tests/ops/golden_case.h"

namespace tweed {
namespace {

using Doubles = std::vector<double>;

Tensor run(const GoldenCase& c, const std::vector<Tensor>& in) {
  const std::string op = c.op();
  if (op == "relu") return relu(in[0]);
  if (op == "add") return add(in[0], in[1]);
  if (op == "sub") return sub(in[0], in[1]);
  if (op == "mul") return mul(in[0], in[1]);
  if (op == "div") return div(in[0], in[1]);
  return run_golden_functions(c, in);
}

// How far a result may be from `wanted` for a gradient of `slope`. Values are of all sizes, so each
// is taken by its own; subnormal ones may have lost their digits.
double allowed(const GoldenCase& c, DType dtype, double wanted, double slope) {
  // Their formulas take a number near 1 from 1.
  static const std::set<std::string> cancel = {"gelu", "gelu_tanh", "sigmoid",
                                               "tanh", "silu",      "mish"};
  const bool single = dtype == DType::float32;
  const double digits = single ? 4e-6 : 1e-14;
  const double least = cancel.count(c.op()) ? (single ? 8e-7 : 2e-15) : single ? 2e-38 : 3e-308;
  return digits * std::abs(wanted) + std::max(1.0, slope) * least;
}

void compare(const GoldenCase& c, const std::string& what, const Tensor& got,
             const std::vector<Tensor>& in) {
  const Doubles g = got.to_doubles(), w = c[what].to_doubles(), dy = c["dy"].to_doubles();
  for (std::size_t i = 0; i < g.size(); ++i) {
    const bool same = std::isnan(w[i]) ? std::isnan(g[i])
                      : std::isinf(w[i])
                          ? g[i] == w[i]
                          : std::abs(g[i] - w[i]) <= allowed(c, got.dtype(), w[i], dy[i]);
    if (same) continue;
    std::ostringstream at;
    for (auto& x : in) at << " " << x.to_doubles()[i];
    FAIL_CHECK(c.name << " on " << c.device.name() << ": " << what << " at" << at.str() << " is "
                      << g[i] << ", not " << w[i]);
  }
}

}  // namespace

TEST_CASE("functions and quotients of extreme arguments are PyTorch's", "[golden]") {
  const SafeTensors file = read_safetensors(source_path("tests/golden/ops_extremes.safetensors"));
  int count = 0;
  for (auto& [key, text] : file.metadata) {
    if (text.empty() || text[0] != '{') continue;
    ++count;
    for (Device device : test_devices()) {
      const GoldenCase c = {file, key, nlohmann::json::parse(text), device};
      const auto names = c.attributes.at("inputs").get<std::vector<std::string>>();
      std::vector<Tensor> in;
      for (auto& name : names) in.push_back(require_grad(c[name].clone()));
      const Tensor y = run(c, in);
      compare(c, "y", y, in);
      const auto gradients = grad_of(y, in, false, c["dy"]);
      for (std::size_t i = 0; i < names.size(); ++i) compare(c, "d" + names[i], gradients[i], in);
    }
  }
  CHECK(count >= 100);
}

}  // namespace tweed
