// Networks as ONNX files, for onnxruntime and others.
#pragma once
#include "record/checkpoint.h"

namespace tweed {

/// Writes a network as it evaluates. Its input "images" is what PyTorch takes, (N, 3, H, W) float32
/// of any number of images, resized, cut and normalised as `info` says, which is in the file's
/// metadata; its output "logits" is (N, classes). Weights have their names, and PyTorch's axes.
///
/// The network runs once, on zeros, and what it does is written down: each operation that is
/// recorded (see OperationWatch) becomes one node or several.
/// @param as  half: weights take half the room in the file; computing stays in float32
/// @throws Error  "[onnx] resize_bilinear in no node that is known here", and as save_checkpoint()
void save_onnx(const std::string& path, Module& network, const CheckpointInfo& info,
               WeightsAs as = WeightsAs::they_are);

}  // namespace tweed
