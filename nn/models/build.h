// What the networks are made with: layers whose initial weights depend on the seed and their place.
#pragma once
#include <memory>

#include "nn/init.h"
#include "nn/layers.h"
#include "nn/models/models.h"

namespace tweed {

/// Makes layers, which number themselves while it lives.
class Build {
 public:
  explicit Build(const ModelOptions& options) : options_(options), seed_(options.seed) {}

  int64_t classes() const { return options_.classes; }
  uint64_t seed() const { return options_.seed; }

  /// A convolution that keeps the size (by padding) but for its stride; `bias` is left out before
  /// batch norm, which would cancel it.
  std::shared_ptr<Conv2d> conv(int64_t in, int64_t out, int64_t kernel, int64_t stride = 1,
                               bool bias = false, Activation activation = Activation::none) {
    return std::make_shared<Conv2d>(in, out, kernel,
                                    Conv2dOptions{.stride = stride,
                                                  .padding = kernel / 2,
                                                  .bias = bias,
                                                  .activation = activation,
                                                  .norm_follows = !bias});
  }
  /// One without bias whose result goes elsewhere than into a batch norm: into a sum, or beside
  /// other channels.
  std::shared_ptr<Conv2d> bare_conv(int64_t in, int64_t out, int64_t kernel, int64_t stride = 1) {
    return std::make_shared<Conv2d>(
        in, out, kernel, Conv2dOptions{.stride = stride, .padding = kernel / 2, .bias = false});
  }
  /// One that looks at each channel alone; without bias a batch norm follows.
  std::shared_ptr<Conv2d> depthwise(int64_t channels, int64_t kernel, int64_t stride = 1,
                                    bool bias = false) {
    return std::make_shared<Conv2d>(channels, channels, kernel,
                                    Conv2dOptions{.stride = stride,
                                                  .padding = kernel / 2,
                                                  .groups = channels,
                                                  .bias = bias,
                                                  .norm_follows = !bias});
  }
  std::shared_ptr<BatchNorm2d> norm(int64_t channels, Activation activation = Activation::none,
                                    double eps = 1e-5) {
    return std::make_shared<BatchNorm2d>(channels,
                                         BatchNorm2dOptions{.eps = eps, .activation = activation});
  }
  std::shared_ptr<Linear> linear(int64_t in, int64_t out) {
    return std::make_shared<Linear>(in, out);
  }

 private:
  ModelOptions options_;
  InitSeed seed_;
};

/// Gives all convolutions of a network Kaiming's normal weights, by default for the size of
/// gradients (Fan::out), as torchvision does.
void kaiming_convolutions(Module& network, uint64_t seed, Fan fan = Fan::out);

}  // namespace tweed
