// From addresses in this program to names and lines of its source, by addr2line of Debian's
// binutils. What is not known stays empty.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace tweed {

struct Frame {
  std::string function;  ///< "void tweed::sim::relu_kernel<float>(float const*, float*)"
  std::string place;     ///< "kernels/relu.cu:12", or "??:0"
};

/// For each address the functions inlined there, innermost first.
std::vector<std::vector<Frame>> frames_at(const std::vector<std::uintptr_t>& addresses);

/// "relu_kernel<float>" for a symbol as compilers write it.
std::string readable_name(const char* symbol);

/// "relu_kernel<float>" for each function; "kernel" where nothing is known.
std::vector<std::string> function_names(const std::vector<const void*>& functions);

}  // namespace tweed
