// Where a training step's time and memory go, layer by layer.
#pragma once
#include <string>
#include <vector>

#include "nn/module.h"

namespace tweed {

/// A module's own part in a step, without that of the modules in it.
struct LayerProfile {
  std::string name;                  ///< "layer1.0.conv2"; "" is the network itself
  std::string type;                  ///< "Conv2d"
  Shape output;                      ///< of its last call
  double forward = 0, backward = 0;  ///< seconds of its kernels and library calls
  /// What it allocated and was still there when it had done: its output, and what it keeps for the
  /// backward pass. Below 0 for a module around others whose outputs went away again, as no
  /// backward pass needs them.
  int64_t saved_bytes = 0;
  int64_t parameter_bytes = 0;
};

/// A tensor that is there when the forward pass has ended.
struct TensorMemory {
  std::string name;  ///< "conv1.weight", "images", or by which operation it is kept: "max_pool2d"
  std::string kind;  ///< "parameter", "buffer", "input", or "kept", for the backward pass
  Shape shape;
  int64_t bytes = 0;
};

struct StepProfile {
  int64_t batch_size = 0;
  double seconds = 0;  ///< of the whole, as traced: calls one after another
  double other = 0;    ///< seconds of it in no layer: loss, sums of gradients
  std::vector<LayerProfile>
      layers;  ///< in order of the network; those that do nothing are left out
  int64_t parameter_bytes = 0, peak_bytes = 0;
  std::vector<TensorMemory> tensors;  ///< the largest first

  /// A table with milliseconds and megabytes, on lines of at most `width` columns; 0: any.
  std::string table(int width = 0) const;
  /// The same of the `most` largest tensors, with a line for all others.
  std::string tensor_table(std::size_t most, int width = 0) const;
};

/// Traces (see Trace) forward, cross-entropy and backward on a batch, after doing the same twice
/// to warm up. Afterwards the network is as it was, but for its gradients, which are 0;
/// the device's peak of memory is that of the step.
///
/// @param images  (N, H, W, 3), float32, normalised;   @param labels  (N), int32
StepProfile profile_step(Module& network, const Tensor& images, const Tensor& labels);

}  // namespace tweed
