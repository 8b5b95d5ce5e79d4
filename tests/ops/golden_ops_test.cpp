// Every operation against PyTorch's stored results.

#include "apps/paths.h"
#include "autograd/graph.h"
#include "tests/catch.h"
#include "tests/ops/golden_case.h"

namespace tweed {
namespace {

using nlohmann::json;

void check(const GoldenCase& c, RunGolden run) {
  INFO(c.name << " on " << c.device.name());
  const auto names = c.attributes.at("inputs").get<std::vector<std::string>>();
  std::vector<Tensor> inputs;
  for (auto& name : names) inputs.push_back(require_grad(c[name].clone()));
  Tensor y = run(c, inputs);
  const double tolerance = 1e-13;
  CHECK(y.shape().str() == c["y"].shape().str());
  CHECK(difference(y.to_doubles(), c["y"].to_doubles(), tolerance) == "");
  const auto gradients = grad_of(y, inputs, false, c["dy"]);
  for (std::size_t i = 0; i < names.size(); ++i) {
    INFO("d" << names[i]);
    CHECK(difference(gradients[i].to_doubles(), c["d" + names[i]].to_doubles(), 10 * tolerance) ==
          "");
  }
}

}  // namespace

TEST_CASE("operations equal PyTorch's in float64", "[golden]") {
  struct {
    const char* name;
    RunGolden run;
  } families[] = {
      {"ops", run_golden_ops},         {"ops_attention", run_golden_attention},
      {"ops_fold", run_golden_fold},   {"ops_functions", run_golden_functions},
      {"ops_shape", run_golden_shape}, {"ops_image", run_golden_image},
      {"ops_index", run_golden_index}, {"ops_norm", run_golden_norm},
      {"ops_loss", run_golden_loss},   {"ops_conv", run_golden_conv},
  };
  for (auto& [name, run] : families) {
    INFO(name);
    const SafeTensors file =
        read_safetensors(source_path(std::string("tests/golden/") + name + ".safetensors"));
    int64_t count = 0;
    for (auto& [key, text] : file.metadata) {
      if (text.empty() || text[0] != '{') continue;
      ++count;
      for (Device device : test_devices()) check({file, key, json::parse(text), device}, run);
    }
    CHECK(count > 5);
  }
}

}  // namespace tweed
