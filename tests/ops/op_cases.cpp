#include "tests/ops/op_cases.h"

namespace tweed {

std::vector<OpCase> op_cases() {
  std::vector<OpCase> all;
  const auto parts = {attention_cases, conv_cases,  einsum_cases,  elementwise_cases, fold_cases,
                      function_cases,  image_cases, line_cases,    loss_cases,        move_cases,
                      norm_cases,      pool_cases,  product_cases, reduce_cases,      resize_cases,
                      row_cases,       shape_cases, top_cases,     window_cases};
  for (auto part : parts)
    for (auto& row : part()) all.push_back(row);
  return all;
}

}  // namespace tweed
