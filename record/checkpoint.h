// Checkpoints: a network's weights and what is needed to use them, in a file that PyTorch reads.
#pragma once
#include <array>
#include <string>
#include <vector>

#include "nn/module.h"
#include "record/safetensors.h"

namespace tweed {

/// What a weights file says about itself. Equal runs write equal files: no time, no path.
struct CheckpointInfo {
  std::string model;                 ///< a name of make_model(); of a JSON file, without its folder
  std::vector<std::string> classes;  ///< names in label order
  int image_size = 128;              ///< pixels that the network was trained on
  int load_size = 144;               ///< to which the shorter side of an image is resized before
  std::array<float, 3> mean{}, std{};
  int64_t epoch = 0;
  double top1 = 0, top5 = 0;  ///< on validation data, in per cent
  std::string description;    ///< of a JSON file's network: the file's text; else empty
};

/// A tensor of a network under its PyTorch axes: 4-D weights (Co, K, K, Ci) become (Co, Ci, K, K).
Tensor to_file_axes(const Tensor& t);
Tensor from_file_axes(const Tensor& t);

/// Writes parameters and buffers under their names, and `info` as metadata.
void save_checkpoint(const std::string& path, const Module& network, const CheckpointInfo& info);

/// `info` as the metadata of a file.
std::map<std::string, std::string> metadata_of(const CheckpointInfo& info);

struct Checkpoint {
  ModulePtr network;  ///< on the cpu, in eval mode
  CheckpointInfo info;
};
/// @throws FormatError  if the file is damaged, is no checkpoint of ours, or does not fit its model
Checkpoint load_checkpoint(const std::string& path);
/// The same from a file's content. @param path  names it in messages
Checkpoint checkpoint_of(const std::string& path, const SafeTensors& file);

/// Weights from elsewhere, under PyTorch's names and axes, in one of our networks. The number of
/// classes is that of the network's last parameter; `info` has the model, and numbers as classes.
/// @param model  a name or JSON file for make_model()
/// @throws FormatError  if the file does not fit the model
Checkpoint load_weights(const std::string& path, const std::string& model);

/// Copies the tensors of a file into those of the same names.
/// A missing num_batches_tracked, which older files do not have, stays as it is.
/// @throws FormatError  naming a tensor that is missing, left over, or of another shape
void load_tensors(const std::string& path, const SafeTensors& file, const std::vector<Named>& into);

}  // namespace tweed
