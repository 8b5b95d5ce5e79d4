// Checkpoints: a network's weights and what is needed to use them, in a file that PyTorch reads.
#pragma once
#include <array>
#include <map>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "nn/module.h"
#include "record/safetensors.h"

namespace tweed {

/// What a weights file says about itself. Equal runs write equal files: no time, no path.
struct CheckpointInfo {
  std::string model;                 ///< a name of make_model(); of a JSON file, without its folder
  std::vector<std::string> classes;  ///< names in label order
  int image_size = 128;              ///< pixels that the network was trained on
  int load_size = 144;               ///< to which the shorter side of an image is resized before
  std::array<float, 3> mean{}, std{1, 1, 1};
  int64_t epoch = 0;
  double top1 = 0, top5 = 0;  ///< on validation data, in per cent
  std::string description;    ///< of a JSON file's network: the file's text; else empty
};

/// What save_checkpoint() is to write of a network that was trained on such images.
/// @param model  a name of make_model()
CheckpointInfo info_of(const std::string& model, const Dataset& data, const Normalization& by = {});

/// A tensor of a network under its PyTorch axes: 4-D weights (Co, KH, KW, Ci) become (Co, Ci, KH, KW),
/// and those of a transposed convolution (Ci, KH, KW, Co) become (Ci, Co, KH, KW).
Tensor to_file_axes(const Tensor& t);
/// The other way round; weights of Conv1d, (Co, Ci, K), become (Co, 1, K, Ci).
/// @param network  the shape that the network has, if it is known
Tensor from_file_axes(const Tensor& t, const Shape& network = {});
/// to_file_axes() for each tensor of a network, but weights of Conv1d, (Co, 1, K, Ci), are
/// (Co, Ci, K).
std::map<std::string, Tensor> tensors_for_file(const Module& network);

/// How numbers are written: as they are, or parameters as halves (F16). Statistics of batch norm,
/// which may be large, stay as they are.
enum class WeightsAs { they_are, half };
/// The tensors that a file of a network has: parameters and buffers under their names, and `info`
/// as metadata.
SafeTensors content_of(const Module& network, const CheckpointInfo& info,
                       WeightsAs as = WeightsAs::they_are);
/// Writes them. @throws Error  as write_safetensors() does
void save_checkpoint(const std::string& path, const Module& network, const CheckpointInfo& info,
                     WeightsAs as = WeightsAs::they_are);

/// What a file's metadata says. Every value is checked, since networks and images are made by it.
/// @throws FormatError  naming what is missing or impossible
CheckpointInfo read_info(const SafeTensorsFile& file);
/// The metadata that read_info() reads. @throws Error  if a class's name is not UTF-8
std::map<std::string, std::string> metadata_of(const CheckpointInfo& info);

struct Checkpoint {
  ModulePtr network;  ///< on the cpu, in eval mode
  CheckpointInfo info;
  /// What was done to make the file fit, a sentence each, for the user to see.
  std::vector<std::string> notes = {};
};
/// @param prefix  of the network's tensors in the file; those without it are somebody else's
/// @throws FormatError  if the file is damaged, is no checkpoint of ours, or does not fit its
///                      model, or if its weights are not finite
Checkpoint load_checkpoint(const std::string& path, const std::string& prefix = "");

/// Weights from elsewhere, under PyTorch's names and axes, in one of our networks. The number of
/// classes is that of the network's last parameter; `info` has the model, its preprocessing_of(),
/// and numbers as classes.
///
/// A prefix before all the network's names, such as the "module." of PyTorch's DataParallel, is
/// taken off, and tensors that the network has not are left out; `notes` says so.
/// @param model  a name or JSON file for make_model()
/// @throws FormatError  if the file does not fit the model, or has weights that are not finite
Checkpoint load_weights(const std::string& path, const std::string& model);

/// Weights from elsewhere, or of ours, for a network that is to be trained on: copies what the file
/// has. The last layer (see head_name()) stays as it is if the file's is for another number of
/// classes, or is missing; all else has to be there.
///
/// @param model  the network's name, for messages
/// @return  what was done, a sentence each; the last is "loaded 120 of 122 tensors; fc is new
///          (1000 -> 100 classes)"
/// @throws FormatError  as load_weights() does
std::vector<std::string> start_from(const std::string& path, Module& network,
                                    const std::string& model);

/// Copies the tensors of a file into those of the same names.
/// A missing num_batches_tracked, which older files do not have, stays as it is.
/// @throws FormatError  naming a tensor that is missing, left over, or of another shape
void load_tensors(const std::string& path, const SafeTensors& file, const std::vector<Named>& into);

/// Networks with a weight that is NaN or infinite compute nothing.
/// @throws FormatError  naming the tensor and the file that it is from
void check_finite(const std::string& path, const std::vector<Named>& tensors);

}  // namespace tweed
