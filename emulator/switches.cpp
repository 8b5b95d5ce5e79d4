// The emulator's environment variables, checked before main().
#include "switches.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>

namespace emulator {
namespace {

struct Switch {
  const char* name;
  long least, most;  ///< of its whole numbers; both 0 for text
};
constexpr Switch switches[] = {{"EMULATOR_LATE", 0, 1},
                               {"EMULATOR_BACKWARDS", 0, 1},
                               {"EMULATOR_APART", 0, 1},
                               {"EMULATOR_RACES", 0, 1},
                               {"EMULATOR_COUNT", 0, 0},
                               {"EMULATOR_SAMPLE", 0, 1'000'000},
                               {"EMULATOR_ARCH", 50, 130},
                               {"EMULATOR_GPUS", 1, 16},
                               {"EMULATOR_PEERS", 0, 1},
                               {"EMULATOR_MEMORY", 16, 1'000'000},
                               {"EMULATOR_THREADS", 1, 1'000},
                               {"EMULATOR_NO_ALGORITHM", 0, 1},
                               {"EMULATOR_PATIENCE", 1, 1'000'000},
                               {"EMULATOR_ABORT", 0, 1}};

std::optional<long> whole(const char* text) {
  char* end = nullptr;
  const long value = std::strtol(text, &end, 10);
  if (end == text || *end) return std::nullopt;
  return value;
}

// What is wrong with NAME=VALUE; empty if nothing is.
std::string complaint(const std::string& set) {
  const std::string name = set.substr(0, set.find('='));
  const char* value = set.c_str() + name.size() + 1;
  std::string names;
  for (const Switch& s : switches) {
    names += std::string(names.empty() ? "" : ", ") + s.name;
    if (name != s.name) continue;
    const auto number = whole(value);
    if (s.most == 0 || (number && *number >= s.least && *number <= s.most)) return "";
    return set + ": it takes a whole number from " + std::to_string(s.least) + " to " +
           std::to_string(s.most);
  }
  return "there is no switch " + name + "; there are " + names;
}

__attribute__((constructor)) void check() {
  for (char** set = environ; *set; ++set) {
    if (std::strncmp(*set, "EMULATOR_", 9) != 0) continue;
    const std::string why = complaint(*set);
    if (why.empty()) continue;
    std::fprintf(stderr, "[emulator] %s\n", why.c_str());
    std::_Exit(2);
  }
}

}  // namespace

long switched(const char* name, long otherwise) {
  const char* text = std::getenv(name);
  return text ? whole(text).value_or(otherwise) : otherwise;
}

}  // namespace emulator
