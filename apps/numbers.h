// Numbers in flags, read strictly: decimal, whole if they count something, in bounds; no "0x10",
// "+5", " 5" or "nan". What else is given is refused in one line.
#pragma once
#include <CLI/CLI.hpp>
#include <cfloat>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>

namespace tweed::app {

/// What a whole number may be.
struct WholeRange {
  int64_t least = 0, most = INT32_MAX;
};

/// What a number may be. The standard bounds are those of float32.
struct NumberRange {
  double least = 0, most = FLT_MAX;
  bool above = false;  ///< `least` itself is refused
  bool below = false;  ///< `most` itself is refused
};
constexpr NumberRange above_zero{.above = true};
/// Of averages and momentum: at 1 nothing new would ever come in.
constexpr NumberRange below_one{.most = 1, .below = true};

constexpr NumberRange at_most_one{.most = 1};

/// @param flag  named in the message: "--epochs takes a whole number from 1 to 100000, not '0'"
/// @throws Error
int64_t parse_whole(const std::string& text, const std::string& flag, const WholeRange& range);
/// Any 64 bits. @throws Error
uint64_t parse_seed(const std::string& text, const std::string& flag);
/// @throws Error
double parse_number(const std::string& text, const std::string& flag, const NumberRange& range);
/// A number, or two with a slash between them: "8/255". @throws Error
double parse_fraction(const std::string& text, const std::string& flag,
                      const NumberRange& range = {});

/// A flag of one argument that is read by `read(text, flag)`; `shown` is its default in --help.
template <class Read>
CLI::Option* add_read(CLI::App& app, const std::string& names, const char* type,
                      const std::string& shown, const std::string& help, Read read) {
  auto flag = std::make_shared<std::string>();
  CLI::Option* option = app.add_option_function<std::string>(
      names, [read, flag](const std::string& text) { read(text, *flag); }, help);
  *flag = option->get_name();
  option->type_name(type);
  return shown.empty() ? option : option->default_str(shown);
}

/// A flag that takes a whole number; its default is shown.
template <std::signed_integral T>
CLI::Option* add_whole(CLI::App& app, const std::string& names, T& value, const WholeRange& range,
                       const std::string& help) {
  return add_read(app, names, "N", std::to_string(value), help,
                  [&value, range](const std::string& text, const std::string& flag) {
                    value = T(parse_whole(text, flag, range));
                  });
}
CLI::Option* add_seed(CLI::App& app, uint64_t& value, const std::string& help);
/// A flag that takes a number; its default is shown.
CLI::Option* add_number(CLI::App& app, const std::string& names, double& value,
                        const NumberRange& range, const std::string& help);
CLI::Option* add_number(CLI::App& app, const std::string& names, std::optional<double>& value,
                        const NumberRange& range, const std::string& help);

}  // namespace tweed::app
