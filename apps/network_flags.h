// Which network an app uses, ours or with weights from elsewhere, and how it sees images.
#pragma once
#include <array>
#include <optional>
#include <string>

#include "apps/app.h"
#include "record/checkpoint.h"

namespace tweed::app {

/// --model, --classes-file, --mean, ... beside the weights, which each app takes in its own way.
struct NetworkFlags {
  std::string weights, model, classes_file;
  std::optional<std::array<float, 3>> mean, std;
  int resize = 0, crop = 0;  // 0: as the file or the model says
  bool squash = false;       // to resize x resize, whatever the proportions

  /// The weights as the app's first word.
  void add_checkpoint_to(CLI::App& flags);
  void add_to(CLI::App& flags);
  /// --resize and --crop, for apps that read photos.
  void add_sizes_to(CLI::App& flags);

  /// Whether the weights are from elsewhere.
  bool foreign() const { return !model.empty(); }
  /// Whether it is known what the network's classes are called.
  bool has_names() const { return !foreign() || !classes_file.empty(); }
  /// The network, and how it sees images: flags beat what the file or the model says. Says on
  /// stderr what was done to make weights fit, and where their preprocessing is a guess.
  /// @param flags  those that were parsed; the ones among them that would say it are named
  /// @throws Error  for files that cannot be used, and flags that do not go together
  Checkpoint open(const CLI::App& flags) const;

 private:
  void apply(CheckpointInfo& info) const;
};

}  // namespace tweed::app
