// Where files lie that programs need at run time.
#pragma once
#include <string>

namespace tweed {

/// A file of the source tree, and a program that was built from it: those of the build, or of the
/// unpacked bundle (scripts/gpu_check --build-only) whose folder is in `TWEED_BUNDLE`.
std::string source_path(const std::string& name);
std::string program_path(const std::string& name);

}  // namespace tweed
