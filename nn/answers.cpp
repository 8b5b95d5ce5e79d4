#include "nn/answers.h"

#include <algorithm>
#include <cstdio>
#include <numeric>

#include "autograd/loss.h"

namespace tweed {

std::vector<std::vector<Answer>> top_classes(const Tensor& logits,
                                             const std::vector<std::string>& classes,
                                             int64_t count) {
  const auto n = int64_t(classes.size());
  if (logits.ndim() != 2 || logits.dim(1) != n)
    fail("top_classes", n, " names for logits ", logits.shape());
  const NoGrad no_grad;
  const auto p = softmax(logits).to_doubles();
  std::vector<std::vector<Answer>> all;
  for (int64_t first = 0; first < int64_t(p.size()); first += n) {
    auto probability = [&](int64_t label) { return p[std::size_t(first + label)]; };
    std::vector<int64_t> order(std::size_t(n), 0);
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(),
                     [&](int64_t a, int64_t b) { return probability(a) > probability(b); });
    order.resize(std::size_t(std::min(n, count)));
    auto& answers = all.emplace_back();
    for (int64_t label : order)
      answers.push_back({label, probability(label), classes[std::size_t(label)]});
  }
  return all;
}

std::string text(const std::vector<Answer>& answers) {
  std::string line;
  for (auto& answer : answers) {
    char number[16];
    std::snprintf(number, sizeof number, " %.2f", answer.probability);
    line += (line.empty() ? "" : ", ") + answer.name + number;
  }
  return line;
}

}  // namespace tweed
