// Every row of op_cases.h, on every device; and that every operation has a row.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <set>
#include <sstream>

#include "apps/paths.h"
#include "autograd/gradcheck.h"
#include "autograd/graph_stats.h"
#include "kernels/philox.h"
#include "tests/catch.h"
#include "tests/ops/conv_support.h"
#include "tests/ops/op_cases.h"
#include "tests/support.h"

namespace tweed {
namespace {

// Of the largest magnitude among the results, or of 1 if that is larger.
double tolerance_of(DType dtype) {
  return dtype == DType::float64 ? 1e-13 : dtype == DType::float32 ? 2e-6 : 1e-2;
}

Tensor make_input(const CaseInput& input, uint64_t seed) {
  if (!input.distinct)
    return random_tensor(input.shape, DType::float64, {}, seed, input.lo, input.hi);
  const auto n = static_cast<std::size_t>(input.shape.size());
  std::vector<double> values(n);
  for (std::size_t i = 0; i < n; ++i)
    values[i] = input.lo + (input.hi - input.lo) * (double(i) + 0.5) / double(n);
  Random random(seed, Purpose::test);
  for (std::size_t i = n; i > 1; --i) std::swap(values[i - 1], values[random.below(uint32_t(i))]);
  return Tensor::from(values, input.shape);
}
std::vector<Tensor> make_inputs(const OpCase& row) {
  std::vector<Tensor> inputs;
  for (auto& input : row.inputs) inputs.push_back(make_input(input, inputs.size() + 1));
  return inputs;
}

std::vector<double> reference(const OpCase& row, const std::vector<Tensor>& inputs, Shape& shape) {
  Arrays arrays;
  for (auto& input : inputs) {
    arrays.emplace_back(input.shape());
    arrays.back().v = input.to_doubles();
  }
  Array y = row.reference(arrays);
  shape = y.shape;
  return y.v;
}

struct Outcome {
  Tensor y;
  std::vector<Tensor> gradients;
};
// The operation and its gradients through a random cotangent.
Outcome run(const OpCase& row, const std::vector<Tensor>& inputs, DType dtype, Device device) {
  std::vector<Tensor> leaves;
  for (auto& input : inputs) leaves.push_back(require_grad(input.to(dtype).to(device).clone()));
  Outcome outcome;
  outcome.y = row.f(leaves);
  // Values that bfloat16 holds exactly, so that all dtypes go back from the same.
  Tensor dy = random_tensor(outcome.y.shape(), DType::bfloat16, {}, 99).to(dtype).to(device);
  outcome.gradients = grad_of(outcome.y, leaves, false, dy);
  return outcome;
}

// With `tf32`, float32 inputs are numbers that TF32 holds: for who multiplies so.
void check_row(const OpCase& row, Device device, bool tf32 = false) {
  INFO(row.op << " " << row.what << " on " << device.name());
  const std::vector<Tensor> inputs = make_inputs(row);

  std::vector<Tensor> there;
  for (auto& input : inputs) there.push_back(input.to(device));
  // Differences take as many passes as there are numbers. On other devices, which may be simulated,
  // long rows have the gradients of `cpu`, which are checked by differences.
  int64_t numbers = 0;
  for (auto& input : inputs) numbers += input.size();
  if (device.kind() != Device::Kind::cpu && numbers > 100) {
    const auto here = run(row, inputs, DType::float64, device).gradients;
    const auto on_cpu = run(row, inputs, DType::float64, {}).gradients;
    for (std::size_t i = 0; i < inputs.size(); ++i)
      CHECK(difference(here[i].to_doubles(), on_cpu[i].to_doubles(), 1e-12 * row.tolerance) == "");
  } else {
    GradcheckOptions options;
    options.near_kink = row.near_kink;
    const GradcheckResult result = gradcheck(row.f, there, options);
    CHECK(result.ok);
    if (!result.ok) WARN(row.op << " " << row.what << ": " << result.message);
  }

  for (DType dtype : {DType::float64, DType::float32, DType::bfloat16}) {
    INFO(name_of(dtype));
    const double tolerance = row.tolerance * tolerance_of(dtype);
    std::vector<Tensor> rounded;
    for (auto& input : inputs) {
      const Tensor t = input.to(dtype);
      rounded.push_back((tf32 ? rounded_to_tf32(t) : t).to(DType::float64));
    }
    Shape shape;
    const std::vector<double> wanted = reference(row, rounded, shape);
    const Outcome outcome = run(row, rounded, dtype, device);
    CHECK(outcome.y.shape().str() == shape.str());
    CHECK(outcome.y.dtype() == dtype);
    CHECK(difference(outcome.y.to_doubles(), wanted, tolerance) == "");
    if (dtype == DType::float64) continue;
    const Outcome exact = run(row, rounded, DType::float64, device);
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      INFO("gradient " << i);
      CHECK(difference(outcome.gradients[i].to_doubles(), exact.gradients[i].to_doubles(),
                       5 * tolerance) == "");
    }
  }
}

std::string text_of(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// The functions that operations.md lists as differentiable.
std::set<std::string> listed_operations() {
  std::set<std::string> names;
  std::istringstream page(text_of(source_path("docs/operations.md")));
  for (std::string line; std::getline(page, line);) {
    if (!line.starts_with("| `") || line.ends_with("| none |")) continue;
    std::istringstream cell(line.substr(0, line.find('|', 1)));
    for (std::string text, name; std::getline(cell, text, '`') && std::getline(cell, name, '`');)
      names.insert(name);
  }
  return names;
}

// What the rows' graphs hold.
std::set<std::string> names_in_graphs(const std::vector<OpCase>& rows) {
  std::set<std::string> names;
  for (auto& row : rows) {
    std::vector<Tensor> leaves;
    for (auto& input : make_inputs(row)) leaves.push_back(require_grad(input.to(DType::float32)));
    names.merge(graph_stats(row.f(leaves)).names);
  }
  return names;
}

}  // namespace

TEST_CASE("operations agree with their references and differences", "[ops]") {
  for (Device device : test_devices())
    for (auto& row : op_cases()) check_row(row, device);
}

TEST_CASE("every rung of the convolution ladder agrees with the rows of convolutions", "[ops]") {
  for (Device device : test_devices())
    for (const ConvAlgorithm* rung : conv_rows_of(device)) {
      INFO(rung->name);
      const Using a(*rung, device);
      for (auto& row : op_cases())
        if (row.op.starts_with("conv")) check_row(row, device, rung->rounds_to_tf32);
    }
}

TEST_CASE("every operation has a row", "[ops]") {
  std::set<std::string> with_row, others = listed_operations();
  for (auto& row : op_cases()) with_row.insert(row.op);
  CHECK(names_in_graphs(op_cases()) == with_row);
  CHECK(others.size() > 60);
  for (auto& name : with_row) others.erase(name);
  // These call operations that have one.
  CHECK(others == std::set<std::string>{"adaptive_avg_pool1d", "avg_pool1d", "clamp", "crop",
                                        "einsum", "global_avg_pool", "global_max_pool", "grey",
                                        "hardtanh", "index_select", "instance_norm", "max_pool1d",
                                        "neg", "norm_l1", "norm_linf", "split"});
}

}  // namespace tweed
