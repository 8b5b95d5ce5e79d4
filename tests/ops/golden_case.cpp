#include "tests/ops/golden_case.h"

namespace tweed {
namespace {

using nlohmann::json;

// (A, B, ...) to (A, ..., B).
Tensor channels_last(const Tensor& t) {
  const auto v = t.to_vector<double>();
  const Shape& s = t.shape();
  const int64_t C = s[1], pixels = s.product(2, s.ndim());
  std::vector<double> result(v.size());
  for (int64_t o = 0; o < s[0]; ++o)
    for (int64_t c = 0; c < C; ++c)
      for (int64_t p = 0; p < pixels; ++p)
        result[std::size_t((o * pixels + p) * C + c)] = v[std::size_t((o * C + c) * pixels + p)];
  return Tensor::from(result, s.ndim() == 4 ? Shape{s[0], s[2], s[3], C} : Shape{s[0], s[2], C});
}

bool is_convolution_weight(const GoldenCase& c, const std::string& tensor) {
  return c.op().starts_with("conv") && (tensor == "weight" || tensor == "dweight");
}

}  // namespace

Tensor GoldenCase::operator[](const std::string& tensor) const {
  Tensor t = file.tensors.at(name + "/" + tensor);
  if (is_convolution_weight(*this, tensor)) t = channels_last(t);
  return t.to(device);
}

std::vector<int> GoldenCase::axes() const {
  const json& axes = attributes.at("axes");
  return axes.is_null() ? std::vector<int>{} : axes.get<std::vector<int>>();
}

}  // namespace tweed
