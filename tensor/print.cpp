// Printing of tensors: Tensor::str().
#include <cmath>
#include <cstdio>

#include "tensor/tensor.h"

namespace tweed {
namespace {

constexpr int64_t most_elements = 1000, edge = 3;

struct Printer {
  const std::vector<double>& values;
  const Shape& shape;
  bool whole_numbers, abbreviate;
  std::string out;

  void number(double v) {
    char text[32];
    std::snprintf(text, sizeof text, whole_numbers ? "%.0f" : "%.4g", v);
    out += text;
  }
  void axis(int level, int64_t offset) {
    if (level == shape.ndim()) return number(values[std::size_t(offset)]);
    int64_t n = shape[level], step = shape.product(level + 1, shape.ndim());
    bool innermost = level + 1 == shape.ndim();
    out += "[";
    for (int64_t i = 0; i < n; ++i) {
      if (i) out += innermost ? ", " : ",\n" + std::string(std::size_t(level + 1), ' ');
      if (abbreviate && n > 2 * edge && i == edge) {
        out += "...";
        i = n - edge - 1;
        continue;
      }
      axis(level + 1, offset + i * step);
    }
    out += "]";
  }
};

}  // namespace

std::string Tensor::str() const {
  if (!defined()) return "undefined tensor";
  auto values = to_doubles();
  bool whole = true;
  for (double v : values) whole &= v == std::floor(v) && std::abs(v) < 1e6;
  Printer printer{values, shape(), whole, size() > most_elements, {}};
  printer.axis(0, 0);
  return printer.out + "  " + name_of(dtype()) + " " + shape().str() + " on " + device().name();
}

}  // namespace tweed
