#include "apps/run_config.h"

#include <sys/resource.h>
#include <sys/utsname.h>

#include <ctime>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string_view>

#include "apps/flags.h"
#include "autograd/conv.h"
#include "data/parse_json.h"
#include "data/read_file.h"
#include "data/whole_file.h"
#include "tensor/pool.h"

namespace tweed::app {
namespace {

using nlohmann::ordered_json;

// "AMD EPYC 9R14": the first of them.
std::string processor_name() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);)
    if (line.starts_with("model name"))
      if (const auto at = line.find(": "); at != std::string::npos) return line.substr(at + 2);
  return "";
}

ordered_json versions() {
  ordered_json all{{"tweed", TWEED_VERSION}, {"compiler", "C++ compiler " __VERSION__}};
#ifdef __clang__
  all["compiler"] = __VERSION__;
#elif defined(__GNUC__)
  all["compiler"] = "g++ " __VERSION__;
#endif
  utsname system{};
  if (::uname(&system) == 0) all["system"] = std::string(system.sysname) + " " + system.release;
  return all;
}

ordered_json machine_of(Device device) {
  ordered_json machine{{"device", device_text(device)}, {"processor", processor_name()}};
  if (device.is_cuda()) machine["gpu"] = gpu_description(device);
  return machine;
}

// What the file says, or an empty object where it is not ours.
nlohmann::json read_before(const std::string& path) {
  constexpr int deepest = 6;
  if (!path.empty()) try {
      auto config = parse_json(path, read_file(path, most_text_bytes), deepest);
      if (config.is_object()) return config;
    } catch (const Error&) {
    }
  return nlohmann::json::object();
}

ordered_json array_in(const nlohmann::json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_array() ? ordered_json(*found) : ordered_json::array();
}

double number_in(const nlohmann::json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_number() ? found->get<double>() : 0;
}

// Of the whole process, in bytes.
int64_t peak_of_process() {
  rusage usage{};
  return ::getrusage(RUSAGE_SELF, &usage) == 0 ? int64_t(usage.ru_maxrss) * 1024 : 0;
}

}  // namespace

std::string utc_now() {
  char text[32];
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

RunConfig::RunConfig(const std::string& path, const RunFacts& facts, const std::string& before,
                     int64_t epochs)
    : path_(path), device_(facts.device) {
  const nlohmann::json old = read_before(before);
  ordered_json commands = array_in(old, "commands"), started = utc_now();
  commands.push_back(facts.command);
  if (const auto found = old.find("started"); found != old.end()) started = *found;
  ordered_json seconds = ordered_json::array();
  for (auto& s : array_in(old, "epoch_seconds"))
    if (s.is_number() && int64_t(seconds.size()) < epochs) seconds.push_back(s);
  partial_before_ = number_in(old, "partial_epoch_seconds");
  config_ =
      std::make_unique<ordered_json>(ordered_json{{"commands", commands},
                                                  {"flags", facts.flags},
                                                  {"model", facts.model},
                                                  {"parameters", facts.parameters},
                                                  {"data",
                                                   {{"name", facts.data},
                                                    {"classes", facts.classes},
                                                    {"training_images", facts.training_images},
                                                    {"validation_images", facts.validation_images},
                                                    {"image_size", facts.image_size}}},
                                                  {"seed", facts.seed},
                                                  {"versions", versions()},
                                                  {"machine", machine_of(facts.device)},
                                                  {"started", started},
                                                  {"epoch_seconds", seconds}});
}

RunConfig::~RunConfig() = default;

void RunConfig::add_epoch(double seconds) {
  (*config_)["epoch_seconds"].push_back(seconds + partial_before_);
  partial_before_ = 0;
}

void RunConfig::write(const char* status, double partial) {
  ordered_json& config = *config_;
  const double unfinished = partial_before_ + partial;
  double seconds = unfinished;
  for (auto& s : config["epoch_seconds"]) seconds += s.get<double>();
  config["status"] = status;
  config["updated"] = utc_now();
  config["seconds"] = seconds;
  config["partial_epoch_seconds"] = unfinished;
  config["peak_memory_bytes"] = memory_stats(device_).peak;
  config["peak_process_bytes"] = peak_of_process();
  config["convolutions"] = conv_algorithms_used();
  WholeFile file(path_);
  file.write(config.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n");
  file.commit(std::string_view(status) != "running" || !written_);
  written_ = true;
}

}  // namespace tweed::app
