// Maps that show where in an image a network finds its answer, by the names of their methods.
#pragma once
#include <string>
#include <vector>

#include "explain/options.h"

namespace tweed {

/// A row of the table of methods; docs/explain.md has what each tells and what it cannot.
struct ExplainMethod {
  const char* name;    ///< "grad-cam"
  const char* title;   ///< "Grad-CAM"
  const char* source;  ///< its paper
  const char* shows;   ///< what bright pixels mean, in a few words
  bool has_sign;       ///< below 0 pixels speak against the target
  bool of_layer;       ///< takes ExplainOptions::layer
  bool of_target;      ///< depends on the target
  /// (N, H, W, C) and (N) to (N, H, W); see the functions of explain/.
  Tensor (*map)(Module& network, const Tensor& x, const Tensor& targets,
                const ExplainOptions& options);
};
const std::vector<ExplainMethod>& explain_methods();
std::vector<std::string> explain_method_names();
/// @throws Error  naming what there is
const ExplainMethod& explain_method(const std::string& name);

struct Explanation {
  Tensor logits;   ///< (N, classes)
  Tensor targets;  ///< (N), int32
  Tensor map;      ///< (N, H, W), on the network's device
};

/// One method on a batch of images, options.at_once of them at a time.
///
/// @param network  in eval mode while this runs; its mode is restored
/// @param x        (N, H, W, C), normalised images on the network's device
/// @param targets  (N), int32: the class that is asked about; undefined: the predicted one
/// @throws Error   for a target that is no class, and what the method's own function throws
Explanation explain(Module& network, const Tensor& x, const ExplainMethod& method,
                    const ExplainOptions& options = {}, const Tensor& targets = {});

}  // namespace tweed
