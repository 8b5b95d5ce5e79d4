#include "tests/op_cases.h"

namespace tweed {

std::vector<OpCase> op_cases() {
  std::vector<OpCase> all;
  for (auto part : {elementwise_cases, activation_cases, reduce_cases, fold_cases, top_cases,
                    window_cases, product_cases, row_cases, move_cases})
    for (auto& row : part()) all.push_back(row);
  return all;
}

}  // namespace tweed
