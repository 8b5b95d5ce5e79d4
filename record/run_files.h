// The names of the files in a run's folder.
#pragma once
#include <cstdint>

namespace tweed {

/// The files of a run. The state is the run: it has everything that training goes on from, is
/// written last after each epoch, and the other files are made to agree with it on the next start.
/// So a run may be killed at any time.
namespace run_file {
inline constexpr const char* state = "last.state.safetensors";
inline constexpr const char* last = "last.safetensors";
inline constexpr const char* best = "best.safetensors";
inline constexpr const char* best_robust = "best_robust.safetensors";  ///< under attack
inline constexpr const char* best_state = "best.state.safetensors";    ///< of the best epoch
inline constexpr const char* best_robust_state = "best_robust.state.safetensors";
inline constexpr const char* metrics = "metrics.jsonl";        ///< a line for each epoch
inline constexpr const char* iterations = "iterations.jsonl";  ///< a line for each step
inline constexpr const char* layers = "layers.jsonl";          ///< a line for each layer and epoch
inline constexpr const char* config = "config.json";           ///< the commands that led here
inline constexpr const char* curves = "curves.png";
inline constexpr const char* filters = "filters.png";         ///< of the first convolution
inline constexpr const char* validation = "validation.json";  ///< the last epoch's answers
inline constexpr const char* report = "report.html";
inline constexpr const char* profile = "profile.json";     ///< time and memory by layer
inline constexpr const char* tensorboard = "tensorboard";  ///< a folder of event files
inline constexpr const char* saliency = "saliency.png";    ///< of --evaluate -v
inline constexpr const char* attack = "attack.png";        ///< of --evaluate -a -v
inline constexpr const char* rates = "find_lr.jsonl";      ///< of --find-lr
inline constexpr const char* rates_picture = "find_lr.png";
inline constexpr const char* lock = ".lock";  ///< has the number of the process that trains
/// What follows from the state, and is of no use without it.
inline constexpr const char* followers[] = {
    best_state, best,   best_robust_state, best_robust, last,   metrics, iterations,
    layers,     curves, filters,           validation,  report, profile, tensorboard};
}  // namespace run_file

/// Of weights that are handed in as coursework: no more is taken.
inline constexpr uint64_t submission_bytes = 10'000'000;

}  // namespace tweed
