// The coursework's convolution: unfold, one matrix product, and a backward pass written by hand.
#pragma once
#include "tweed.h"

/// @param x       (N, H, W, Ci)
/// @param weight  (Co, K, K, Ci)
/// @param bias    (Co)
/// @return        (N, OH, OW, Co), OH = (H + 2 padding - K) / stride + 1
/// Saves the unfolded x, which is K K times as large as x, and weight.
tweed::Tensor my_conv(const tweed::Tensor& x, const tweed::Tensor& weight,
                      const tweed::Tensor& bias, int64_t stride, int64_t padding);

/// The layer: its parameters are those of Conv2d.
class MyConv : public tweed::Module {
 public:
  MyConv(int64_t in, int64_t out, int64_t kernel, int64_t stride = 1);
  tweed::Tensor forward(const tweed::Tensor& x) override;
  std::string description() const override { return "MyConv"; }

 private:
  int64_t stride_, padding_;
  tweed::Tensor weight_, bias_;
};
