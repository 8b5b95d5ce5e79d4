#include "apps/run_flags.h"

#include <algorithm>

#include "apps/app.h"
#include "kernels/machine/printable.h"

namespace tweed::app {
namespace {

const char* const kept[] = {"data",
                            "--limit",
                            "--images",
                            "--validation",
                            "--epochs",
                            "--iterations",
                            "--augment",
                            "--batch-size",
                            "--optimizer",
                            "--lr",
                            "--momentum",
                            "--nesterov",
                            "--dampening",
                            "--beta2",
                            "--optimizer-eps",
                            "--alpha",
                            "--centered",
                            "--adam-lr",
                            "--weight-decay",
                            "--no-decay-norms",
                            "--schedule",
                            "--warmup",
                            "--clip-grad",
                            "--accumulate",
                            "--ema",
                            "--freeze",
                            "--head-only",
                            "--head-lr",
                            "--half-weights",
                            "--precision",
                            "--sync-bn",
                            "--seed",
                            "--patience",
                            "--save-every",
                            "--keep",
                            "--print-freq",
                            "--adversarial",
                            "--adversarial-weight",
                            "--robust-images",
                            "--attack-eps",
                            "--attack-step",
                            "--attack-steps",
                            "--eps-space",
                            "--goal",
                            "--no-random-start",
                            "--attack-method",
                            "--attack-norm",
                            "--attack-momentum",
                            "--attack-restarts",
                            "--attack-draws",
                            "--attack-confidence",
                            "--coursework"};

// --iterations count instead of --epochs, so either flag takes the place of both.
bool given_otherwise(const CLI::App& flags, const std::string& name) {
  auto is_given = [&](const char* flag) { return flags.get_option(flag)->count() > 0; };
  if (name == "--epochs" || name == "--iterations")
    return is_given("--epochs") || is_given("--iterations");
  return is_given(name.c_str());
}

std::string text_of(const FlagValues& values, const std::string& name) {
  const auto found = values.find(name);
  return printable(found == values.end() ? "none" : joined(found->second));
}

}  // namespace

std::vector<std::string> values_of(const CLI::Option& option) {
  if (option.count() > 0) {
    const bool all = option.get_multi_option_policy() == CLI::MultiOptionPolicy::TakeAll;
    const auto& given = option.results();
    return all ? given : std::vector<std::string>{given.back()};
  }
  const std::string standard = option.get_default_str();
  if (standard.empty()) return {};
  return {standard};
}

FlagValues run_flags(const CLI::App& flags) {
  FlagValues result;
  for (const std::string name : kept)
    if (auto found = values_of(*flags.get_option(name)); !found.empty()) result[name] = found;
  if (result.contains("--iterations")) result.erase("--epochs");
  return result;
}

std::vector<std::string> with_saved(const CLI::App& flags, const FlagValues& saved,
                                    const std::vector<std::string>& words) {
  std::vector<std::string> result;
  for (const std::string name : kept) {
    const auto found = saved.find(name);
    if (found == saved.end() || given_otherwise(flags, name)) continue;
    if (name[0] == '-')
      for (auto& value : found->second) result.push_back(name + "=" + value);
  }
  result.insert(result.end(), words.begin(), words.end());
  const auto data = saved.find("data");
  if (data != saved.end() && !given_otherwise(flags, "data")) {
    // After this no word is a flag, whatever it begins with.
    if (std::find(words.begin(), words.end(), "--") == words.end()) result.push_back("--");
    result.push_back(data->second.at(0));
  }
  return result;
}

std::string differences(const FlagValues& now, const FlagValues& saved) {
  std::vector<std::string> found;
  for (const std::string name : kept)
    if (const auto here = text_of(now, name), before = text_of(saved, name); here != before)
      found.push_back((name == "data" ? "DATA" : name) + " " + here + " instead of " + before);
  return joined(found);
}

}  // namespace tweed::app
