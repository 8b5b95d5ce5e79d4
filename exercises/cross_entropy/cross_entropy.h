#pragma once
#include <cstdint>
#include <vector>

namespace tweed::exercise {

/// The mean over rows of -log softmax(row)[label], and its gradient.
///
/// @param logits    (n, classes), row by row
/// @param labels    (n), from 0 to classes - 1
/// @param gradient  (n, classes), gets d(loss)/d(logits)
/// @return          the loss
float cross_entropy(const std::vector<float>& logits, const std::vector<int32_t>& labels,
                    int classes, std::vector<float>& gradient);

}  // namespace tweed::exercise
