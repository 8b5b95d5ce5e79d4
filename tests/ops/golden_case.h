// Stored PyTorch results of operations: a file each for a family, described in golden/README.md.
#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "record/safetensors.h"
#include "tests/support.h"

namespace tweed {

/// One call of an operation, with its inputs, result and gradients in float64.
struct GoldenCase {
  const SafeTensors& file;
  std::string name;
  nlohmann::json attributes;
  Device device;

  bool has(const std::string& tensor) const { return file.tensors.count(name + "/" + tensor); }
  /// A tensor of the case on the device; convolution weights with their second axis last.
  Tensor operator[](const std::string& tensor) const;
  std::string op() const { return attributes.at("op"); }
  int64_t number(const char* key) const { return attributes.at(key).get<int64_t>(); }
  double real(const char* key) const { return attributes.at(key).get<double>(); }
  bool flag(const char* key) const { return attributes.at(key).get<bool>(); }
  std::vector<int> axes() const;
};

/// Calls the operation of a case on its inputs, which follow the order that the file gives.
using RunGolden = Tensor (*)(const GoldenCase&, const std::vector<Tensor>& in);

// A function for each golden/NAME.safetensors that golden_ops_test lists.
Tensor run_golden_attention(const GoldenCase& c, const std::vector<Tensor>& in);
Tensor run_golden_conv(const GoldenCase& c, const std::vector<Tensor>& in);
Tensor run_golden_fold(const GoldenCase& c, const std::vector<Tensor>& in);
Tensor run_golden_index(const GoldenCase& c, const std::vector<Tensor>& in);
Tensor run_golden_functions(const GoldenCase& c, const std::vector<Tensor>& in);
Tensor run_golden_ops(const GoldenCase& c, const std::vector<Tensor>& in);
Tensor run_golden_shape(const GoldenCase& c, const std::vector<Tensor>& in);
Tensor run_golden_image(const GoldenCase& c, const std::vector<Tensor>& in);
Tensor run_golden_norm(const GoldenCase& c, const std::vector<Tensor>& in);
Tensor run_golden_loss(const GoldenCase& c, const std::vector<Tensor>& in);

}  // namespace tweed
