#include "tests/ops/op_cases.h"

namespace tweed {

Shape broadcast_shape(const Shape& a, const Shape& b) {
  std::vector<int64_t> sizes;
  for (int i = std::max(a.ndim(), b.ndim()); i >= 1; --i) {
    const int64_t m = i <= a.ndim() ? a[-i] : 1, n = i <= b.ndim() ? b[-i] : 1;
    sizes.push_back(m == 1 ? n : m);
  }
  return Shape(sizes);
}

int64_t broadcast_index(const Shape& from, const Shape& to, int64_t i) {
  int64_t index = 0, step = 1;
  for (int axis = 1; axis <= to.ndim(); ++axis) {
    const int64_t at = i % to[-axis];
    i /= to[-axis];
    if (axis > from.ndim()) continue;
    if (from[-axis] != 1) index += at * step;
    step *= from[-axis];
  }
  return index;
}

std::vector<OpCase> op_cases() {
  std::vector<OpCase> all;
  const auto parts = {attention_cases, conv_cases,   elementwise_cases, fold_cases, function_cases,
                      image_cases,     loss_cases,   move_cases,        norm_cases, pool_cases,
                      product_cases,   reduce_cases, resize_cases,      row_cases,  shape_cases,
                      top_cases,       window_cases};
  for (auto part : parts)
    for (auto& row : part()) all.push_back(row);
  return all;
}

}  // namespace tweed
