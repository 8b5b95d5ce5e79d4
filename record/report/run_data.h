// Everything that a run's folder holds, as the JSON that the pages draw.
#pragma once
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace tweed {

/// What of a run is missing or damaged is left out: a page is made of the rest.
///
///   name          the folder's
///   config        config.json
///   epochs        {name: [value of each epoch]} of metrics.jsonl
///   steps         the same of iterations.jsonl; of neighbours the mean where there are more than a
///                 curve can show, with NAME_low and NAME_high
///   epoch_ends    the last iteration of each epoch
///   layers        [{name, epoch: [...], weight: [...], gradient: [...], activation: [...]}]
///   validation    validation.json, or null; profile as well
///   weights       {file, bytes, limit}: what would be handed in, and how large it may be; or null
///   images        {filters, saliency, attack}: data URIs of the pictures that are there
///
/// @throws FormatError  if the folder is no run: it has neither config.json nor metrics.jsonl
nlohmann::json read_run(const std::string& folder);

}  // namespace tweed
