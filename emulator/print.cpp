// printf and assert in kernels: calls of functions that PTX only names.
#include <algorithm>
#include <cstdio>
#include <mutex>

#include "access.h"
#include "decode.h"

namespace emulator {
namespace {

std::string string_at(Warp& w, const Instr& i, int lane, int64_t address) {
  std::string text;
  while (const char c = *generic_place(w, i, lane, address++, 1)) text += c;
  return text;
}

// The arguments of a printf, one behind the other, each aligned to its size.
class Arguments {
 public:
  Arguments(Warp& w, const Instr& i, int lane, int64_t address)
      : warp_(w), instr_(i), lane_(lane), address_(address) {}
  template <class T>
  T next() {
    constexpr auto bytes = int64_t(sizeof(T));
    address_ = (address_ + bytes - 1) / bytes * bytes;
    T v;
    std::memcpy(&v, generic_place(warp_, instr_, lane_, address_, int(bytes)), sizeof v);
    address_ += bytes;
    return v;
  }

 private:
  Warp& warp_;
  const Instr& instr_;
  int lane_;
  int64_t address_;
};

template <class T>
std::string formatted(const std::string& how, T value) {
  char text[512];
  const int n = std::snprintf(text, sizeof text, how.c_str(), value);
  return std::string(text, std::size_t(std::clamp(n, 0, int(sizeof text) - 1)));
}

std::string printed(Warp& w, const Instr& i, int lane, const std::string& format, int64_t address) {
  Arguments arguments(w, i, lane, address);
  std::string text;
  for (std::size_t at = 0; at < format.size();) {
    if (format[at] != '%') {
      text += format[at++];
      continue;
    }
    const std::size_t end = format.find_first_of("diouxXeEfFgGaAcsp%", at + 1);
    if (end == format.npos) fail(w, i, lane, "printf of a format that has no end: " + format);
    std::string how = format.substr(at, end + 1 - at);
    at = end + 1;
    for (std::size_t star; (star = how.find('*')) != how.npos;)
      how.replace(star, 1, std::to_string(arguments.next<int32_t>()));
    const char kind = how.back();
    const bool wide = how.find_first_of("lzjt") != how.npos;
    if (kind == '%')
      text += '%';
    else if (kind == 's')
      text += formatted(how, string_at(w, i, lane, arguments.next<int64_t>()).c_str());
    else if (kind == 'p')
      text += formatted(how, arguments.next<void*>());
    else if (std::strchr("eEfFgGaA", kind))
      text += formatted(how, arguments.next<double>());
    else
      text += wide ? formatted(how, arguments.next<int64_t>())
                   : formatted(how, arguments.next<int32_t>());
  }
  return text;
}

void print(Warp& w, const Instr& i) {  // how many arguments; format, arguments
  static std::mutex one_at_a_time;
  const auto *format = w.reg<int64_t>(i.r[1]), *arguments = w.reg<int64_t>(i.r[2]);
  for (uint32_t m = w.exec; m; m &= m - 1) {
    const int l = __builtin_ctz(m);
    const std::string text = printed(w, i, l, string_at(w, i, l, format[l]), arguments[l]);
    w.reg<uint32_t>(i.r[0])[l] = uint32_t(text.size());
    const std::lock_guard lock(one_at_a_time);
    std::fwrite(text.data(), 1, text.size(), stdout);
  }
}
void assert_failed(Warp& w, const Instr& i) {  // assertion; where it is, fail() says
  const int l = __builtin_ctz(w.exec);
  fail(w, i, l, "assertion '" + string_at(w, i, l, w.reg<int64_t>(i.r[0])[l]) + "' failed");
}

}  // namespace

bool Draft::call_outside(const std::string& name, const std::vector<std::string>& results,
                         const std::vector<std::string>& arguments) {
  auto argument = [&](std::size_t k, Type t) { return parameter(arguments.at(k), 0, t, false); };
  if (name == "vprintf") {
    const Reg format = argument(0, Type::b64), values = argument(1, Type::b64);
    add(print, {parameter(results.at(0), 0, Type::b32, true)}, {format, values});
    return true;
  }
  if (name == "__assertfail") {
    add(assert_failed, {}, {argument(0, Type::b64)});
    return true;
  }
  return false;
}

}  // namespace emulator
