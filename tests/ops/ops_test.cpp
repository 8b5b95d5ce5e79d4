// Every row of op_cases.h, on every device; and that every operation has a row.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <regex>
#include <set>
#include <sstream>

#include "apps/paths.h"
#include "autograd/gradcheck.h"
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
  GradcheckOptions options;
  options.near_kink = row.near_kink;
  const GradcheckResult result = gradcheck(row.f, there, options);
  CHECK(result.ok);
  if (!result.ok) WARN(row.op << " " << row.what << ": " << result.message);

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

std::set<std::string> matches(const std::string& text, const std::string& pattern) {
  std::set<std::string> found;
  const std::regex expression(pattern);
  for (auto i = std::sregex_iterator(text.begin(), text.end(), expression);
       i != std::sregex_iterator(); ++i)
    found.insert((*i)[1]);
  return found;
}

// Names given to record() directly, or to a function of the same file that passes its `op` on.
std::set<std::string> recorded_names() {
  std::set<std::string> names;
  for (auto& entry : std::filesystem::directory_iterator(source_path("autograd"))) {
    if (entry.path().extension() != ".cpp") continue;
    const std::string text = text_of(entry.path());
    std::set<std::string> recorders = {"record"};
    for (auto& name : matches(text, "Tensor (\\w+)\\(const char\\* op")) {
      const auto begin = text.find("Tensor " + name + "(const char* op");
      const auto body = text.substr(begin, text.find("\n}", begin) - begin);
      if (body.find("record(op") != std::string::npos) recorders.insert(name);
    }
    for (auto& recorder : recorders)
      names.merge(matches(text, "\\b" + recorder + "\\(\\s*\"(\\w+)\""));
  }
  return names;
}

}  // namespace

TEST_CASE("operations agree with their references and differences", "[ops]") {
  for (Device device : test_devices())
    for (auto& row : op_cases()) check_row(row, device);
}

TEST_CASE("every rung of the convolution ladder agrees with the rows of conv2d", "[ops]") {
  for (Device device : test_devices())
    for (const ConvAlgorithm* rung : conv_rows_of(device)) {
      INFO(rung->name);
      const Using a(*rung, device);
      for (auto& row : op_cases())
        if (row.op == "conv2d") check_row(row, device, rung->rounds_to_tf32);
    }
}

TEST_CASE("every recorded operation has a row", "[ops]") {
  std::set<std::string> with_row;
  for (auto& row : op_cases()) with_row.insert(row.op);
  const auto names = recorded_names();
  CHECK(names.size() > 15);
  for (auto& name : names) {
    INFO("operation " << name);
    CHECK(with_row.count(name) == 1);
  }
  for (auto& name : with_row) {
    INFO("row " << name);
    CHECK(names.count(name) == 1);
  }
}

}  // namespace tweed
