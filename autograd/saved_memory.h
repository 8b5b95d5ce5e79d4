// The memory that a backward pass is going to read.
#pragma once
#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "autograd/node.h"

namespace tweed {

inline std::pair<std::uintptr_t, std::uintptr_t> memory_of(const Tensor& t) {
  const auto first = reinterpret_cast<std::uintptr_t>(t.address());
  return {first, first + t.bytes()};
}
inline bool overlap(const Tensor& a, const Tensor& b) {
  const auto [first, end] = memory_of(a);
  const auto [other, other_end] = memory_of(b);
  return first < other_end && other < end;
}

/// What the nodes behind one have saved. Adding to a leaf's gradient before its turn must not
/// change it: somebody may have computed with that gradient.
class SavedMemory {
 public:
  explicit SavedMemory(const NodePtr& root) {
    visit(root, [&](Node& node) {
      for (auto& t : node.saved.all())
        if (t.defined() && t.bytes()) parts_.push_back(memory_of(t));
    });
    std::sort(parts_.begin(), parts_.end());
    // Each part reaches as far as any before it, so that one look at the last that begins in time
    // is enough.
    for (std::size_t i = 1; i < parts_.size(); ++i)
      parts_[i].second = std::max(parts_[i].second, parts_[i - 1].second);
  }
  /// Whether any of t's elements lies there.
  bool holds(const Tensor& t) const {
    const auto [first, end] = memory_of(t);
    const auto after = std::lower_bound(parts_.begin(), parts_.end(), std::pair(end, first));
    return after != parts_.begin() && std::prev(after)->second > first;
  }

 private:
  std::vector<std::pair<std::uintptr_t, std::uintptr_t>> parts_;
};

}  // namespace tweed
