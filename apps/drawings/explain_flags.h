// Which maps an app draws: --method, --layer, --target, ...
#pragma once
#include <string>
#include <vector>

#include "apps/app.h"
#include "apps/drawings/map_sheets.h"
#include "record/checkpoint.h"

namespace tweed::app {

struct ExplainFlags {
  std::string methods = "gradient", colors = "red", baseline = "mean", layer, target, score;
  ExplainOptions options;

  void add_to(CLI::App& flags);
  /// @param checkpoint  with its network on the device; each method is tried on an empty image
  /// @throws Error  for names that there are not, listing those that there are; for flags that none
  ///                of the methods uses; for a method that the network is not fit for
  MapWish open(const CLI::App& flags, const Checkpoint& checkpoint, Device device) const;

 private:
  void check_used(const CLI::App& flags, const MapWish& wish) const;
};

/// The label of a class by its name, or else by its number.
/// @throws Error  naming the classes
int32_t class_called(const std::string& name, const std::vector<std::string>& classes,
                     const std::string& flag);
/// Words between commas; none is empty. @throws Error
std::vector<std::string> listed(const std::string& text, const std::string& flag);

}  // namespace tweed::app
