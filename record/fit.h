// Whether a file's tensors fit a network's, and copying them. Shared by what reads weights.
#pragma once
#include <string>
#include <vector>

#include "nn/module.h"
#include "record/safetensors.h"

namespace tweed {

/// Files from before PyTorch 0.4.1 and many others' have none.
inline bool may_be_missing(const std::string& name) {
  return name.ends_with("num_batches_tracked");
}

/// The shape that a file's tensor has in the network, whose tensor has the shape `network`; see
/// from_file_axes().
Shape our_shape(const Shape& file, const Shape& network);

/// @throws FormatError  if the shapes, the file's in the network's axes, differ, or if only one of
///                      them has floating numbers
void check_kind(const std::string& path, const std::string& name, const Shape& file, bool floating,
                const Tensor& network);

/// Copies what there is of `into` under prefix + name, once all shapes were compared.
/// @throws FormatError  naming a tensor of another shape, or one that is not finite
void copy_tensors(const TensorFile& file, const std::string& prefix,
                  const std::vector<Named>& into);

/// How many weights a network may have that is described by `file`, for WeightLimit: about as many
/// as there are in it, so that a network with a tensor more can be told which.
int64_t most_weights_for(const TensorFile& file);

}  // namespace tweed
