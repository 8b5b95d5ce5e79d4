// Pieces of which layers make their descriptions. For nn/*.cpp.
#pragma once
#include <sstream>
#include <string>

#include "kernels/bias.h"

namespace tweed {

/// "Name(a, b, c)", without parts that are empty.
template <class... A>
std::string call(const char* name, const A&... parts) {
  std::ostringstream out;
  const char* separator = "";
  out << name << "(";
  auto put = [&](const auto& part) {
    std::ostringstream text;
    text << part;
    if (text.str().empty()) return;
    out << separator << text.str();
    separator = ", ";
  };
  (put(parts), ...);
  out << ")";
  return out.str();
}
inline std::string named(const char* what, const std::string& value) {
  return what + (" " + value);
}
inline std::string named(const char* what, double value) {
  std::ostringstream out;
  out << value;
  return named(what, out.str());
}
inline std::string activation_name(Activation a) {
  return a == Activation::relu ? "then ReLU" : "no activation";
}

}  // namespace tweed
