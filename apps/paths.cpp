#include "apps/paths.h"

#include <cstdlib>

namespace tweed {

static std::string within(const char* in_build, const char* in_bundle, const std::string& name) {
  const char* bundle = std::getenv("TWEED_BUNDLE");
  return (bundle ? std::string(bundle) + in_bundle : std::string(in_build)) + "/" + name;
}

std::string source_path(const std::string& name) { return within(TWEED_SOURCE_DIR, "", name); }
std::string program_path(const std::string& name) { return within(TWEED_BINARY_DIR, "/bin", name); }

}  // namespace tweed
