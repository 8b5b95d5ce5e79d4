// Pools as layers.
#pragma once
#include "autograd/pool.h"
#include "nn/module.h"

namespace tweed {

/// See max_pool2d().
class MaxPool2d : public Module {
 public:
  explicit MaxPool2d(Pair kernel, const PoolOptions& options = {})
      : kernel_(kernel), options_(options) {}
  Tensor forward(const Tensor& x) override;
  std::string description() const override;

 private:
  Pair kernel_;
  PoolOptions options_;
};

/// See avg_pool2d().
class AvgPool2d : public Module {
 public:
  explicit AvgPool2d(Pair kernel, const AvgPoolOptions& options = {})
      : kernel_(kernel), options_(options) {}
  Tensor forward(const Tensor& x) override;
  std::string description() const override;

 private:
  Pair kernel_;
  AvgPoolOptions options_;
};

/// (N, H, W, C) to (N, out.h, out.w, C); see adaptive_avg_pool2d().
class AdaptiveAvgPool2d : public Module {
 public:
  explicit AdaptiveAvgPool2d(Pair out) : out_(out) {}
  AdaptiveAvgPool2d(int64_t out_h, int64_t out_w) : out_(out_h, out_w) {}
  Tensor forward(const Tensor& x) override;
  std::string description() const override;

 private:
  Pair out_;
};

/// See adaptive_max_pool2d().
class AdaptiveMaxPool2d : public Module {
 public:
  explicit AdaptiveMaxPool2d(Pair out) : out_(out) {}
  Tensor forward(const Tensor& x) override;
  std::string description() const override;

 private:
  Pair out_;
};

/// (N, H, W, C) to (N, C).
class GlobalAvgPool : public Module {
 public:
  Tensor forward(const Tensor& x) override;
  std::string description() const override { return "GlobalAvgPool"; }
};
class GlobalMaxPool : public Module {
 public:
  Tensor forward(const Tensor& x) override;
  std::string description() const override { return "GlobalMaxPool"; }
};

/// Of sequences (N, L, C); see max_pool1d().
class MaxPool1d : public Module {
 public:
  explicit MaxPool1d(int64_t kernel, const Pool1dOptions& options = {})
      : kernel_(kernel), options_(options) {}
  Tensor forward(const Tensor& x) override;
  std::string description() const override;

 private:
  int64_t kernel_;
  Pool1dOptions options_;
};
class AvgPool1d : public Module {
 public:
  explicit AvgPool1d(int64_t kernel, const AvgPool1dOptions& options = {})
      : kernel_(kernel), options_(options) {}
  Tensor forward(const Tensor& x) override;
  std::string description() const override;

 private:
  int64_t kernel_;
  AvgPool1dOptions options_;
};
class AdaptiveAvgPool1d : public Module {
 public:
  explicit AdaptiveAvgPool1d(int64_t out) : out_(out) {}
  Tensor forward(const Tensor& x) override;
  std::string description() const override;

 private:
  int64_t out_;
};

}  // namespace tweed
