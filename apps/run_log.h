// The numbers that a training run leaves behind: of each step, of each epoch, and both for
// TensorBoard.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "record/event_file.h"
#include "record/metrics.h"
#include "train/step_log.h"

namespace tweed::app {

/// A step, with what the device did not know.
struct LoggedStep {
  StepResult result;
  int64_t epoch = 1;  ///< counted from 1, as in all files
  double rate = 0, images_per_second = 0;
};

/// A parameter at the end of an epoch, and the output of the layer that it belongs to.
struct LayerSizes {
  std::string name;       ///< "conv1.weight"
  double weight = 0;      ///< root of the mean square
  double gradient = 0;    ///< max |dL/dw| of the last step
  double activation = 0;  ///< root of the mean square
};

/// What an epoch came to.
struct LoggedEpoch {
  int64_t epoch = 1, steps = 0;  ///< done, both
  Score train, val;
  double calibration_error = 0;  ///< of the validation images
  std::optional<Score> robust;   ///< of validation images under attack, if there are such
  std::vector<LayerSizes> layers;
};

/// metrics.jsonl, iterations.jsonl, layers.jsonl and tensorboard/ in a run's folder. Lines appear
/// there whole; what a run writes again after it was killed is dropped when it goes on.
class RunLog {
 public:
  /// @param every   steps between two values of a curve in TensorBoard
  /// @param epochs, steps  done before: what is there of later ones goes
  RunLog(const std::string& folder, int every, int64_t epochs, int64_t steps);

  void add(const std::vector<LoggedStep>& steps);
  /// @param line  for metrics.jsonl; its first is the epoch
  void add_epoch(const LoggedEpoch& epoch, const std::vector<Metric>& line);
  /// Histograms of the weights and of their gradients.
  void add_histograms(int64_t steps, const Module& network);
  void add_image(const std::string& tag, int64_t step, const Image& image);
  /// Once, at the beginning.
  void add_text(const std::string& tag, const std::string& markdown);

 private:
  std::string folder_;
  int every_;
  MetricsFile metrics_, iterations_, layers_;
  EventFile events_, train_events_, val_events_;
};

/// So many digits that float32 loses none that matter: files stay short.
double rounded(double value);

}  // namespace tweed::app
