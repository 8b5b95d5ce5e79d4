// Multi-head attention as a layer.
#pragma once
#include "nn/layers.h"

namespace tweed {

/// Every token looks at the tokens of its sample, or of its window; see attention() and
/// window_attention(). Children: qkv (Linear, dim to 3 dim), proj (Linear, dim to dim).
class Attention : public Module {
 public:
  /// @param window  0: x is (N, L, dim); else (N, H, W, dim), in squares of this side
  Attention(int64_t dim, int64_t heads, int64_t window);
  Tensor forward(const Tensor& x) override;
  std::string description() const override;
  int64_t heads() const { return heads_; }
  /// The side of a window in tokens; 0: every token looks at all.
  int64_t window() const { return window_; }

 private:
  int64_t dim_, heads_, window_;
  ModulePtr qkv_, proj_;
};

}  // namespace tweed
