#include "tests/op_cases.h"

namespace tweed {

std::vector<OpCase> op_cases() {
  std::vector<OpCase> all;
  for (auto part : {elementwise_cases, reduce_cases, window_cases, product_cases, row_cases,
                    move_cases, norm_cases, attention_cases})
    for (auto& row : part()) all.push_back(row);
  return all;
}

}  // namespace tweed
