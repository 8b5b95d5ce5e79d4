#include "kernels/machine/source_lines.h"

#include <cxxabi.h>
#include <link.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <sstream>

namespace tweed {
namespace {

std::uintptr_t load_address() {
  std::uintptr_t address = 0;
  dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* result) {
        *static_cast<std::uintptr_t*>(result) = info->dlpi_addr;
        return 1;  // the executable comes first
      },
      &address);
  return address;
}

// "void tweed::cpu::f<float>(int)" becomes "f<float>": the last name outside of <> and ().
std::string short_name(const std::string& function) {
  std::size_t begin = 0, end = function.size();
  int depth = 0;
  for (std::size_t i = 0; i < function.size(); ++i) {
    const char c = function[i];
    if (c == '(' && depth == 0) {
      end = i;
      break;
    }
    depth += c == '<' ? 1 : c == '>' ? -1 : 0;
    if (depth == 0 && (c == ' ' || c == ':')) begin = i + 1;
  }
  return function.substr(begin, end - begin);
}

}  // namespace

std::vector<std::vector<Frame>> frames_at(const std::vector<std::uintptr_t>& addresses) {
  if (addresses.empty()) return {};
  std::ostringstream command;
  command << "addr2line -a -i -f -C -e /proc/" << getpid() << "/exe" << std::hex;
  for (auto a : addresses) command << " 0x" << a - load_address();
  command << " 2>/dev/null";
  std::vector<std::vector<Frame>> result;
  FILE* pipe = popen(command.str().c_str(), "r");
  if (!pipe) return std::vector<std::vector<Frame>>(addresses.size());
  std::string text;
  char buffer[4096];
  while (std::size_t n = fread(buffer, 1, sizeof buffer, pipe)) text.append(buffer, n);
  pclose(pipe);
  std::istringstream lines(text);
  for (std::string line, place; std::getline(lines, line);) {
    if (line.compare(0, 2, "0x") == 0)
      result.emplace_back();
    else if (std::getline(lines, place) && !result.empty())
      result.back().push_back({line, place.substr(0, place.find(' '))});  // "(discriminator 2)"
  }
  result.resize(addresses.size());
  return result;
}

std::string readable_name(const char* symbol) {
  const std::unique_ptr<char, decltype(&std::free)> text(
      abi::__cxa_demangle(symbol, nullptr, nullptr, nullptr), &std::free);
  return short_name(text ? text.get() : symbol);
}

std::vector<std::string> function_names(const std::vector<const void*>& functions) {
  std::vector<std::uintptr_t> addresses;
  for (auto f : functions) addresses.push_back(std::uintptr_t(f));
  std::vector<std::string> names;
  for (auto& frames : frames_at(addresses)) {
    // What is inlined at its first address stands before the function itself.
    const std::string name = frames.empty() ? "" : short_name(frames.back().function);
    names.push_back(name.empty() || name == "??" ? "kernel" : name);
  }
  return names;
}

}  // namespace tweed
