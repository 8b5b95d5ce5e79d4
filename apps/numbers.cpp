#include "apps/numbers.h"

#include <charconv>
#include <cmath>
#include <cstdio>

#include "kernels/machine/error.h"
#include "kernels/machine/printable.h"

namespace tweed::app {
namespace {

// from_chars takes no spaces, no plus, no other base, and says where it stopped.
template <class T>
std::optional<T> whole_text(const std::string& text) {
  T value{};
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end) return std::nullopt;
  return value;
}

std::string short_text(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%g", value);
  return text;
}

std::string describe(const NumberRange& r) {
  std::string text = "a number ";
  const bool open = r.most == FLT_MAX;  // every float, so nothing worth saying
  text += (r.above ? "above " : "from ") + short_text(r.least);
  if (open) return text + (r.above ? "" : " on");
  return text + (r.below ? " to below " : " to ") + short_text(r.most);
}

[[noreturn]] void refuse(const std::string& flag, const std::string& wanted,
                         const std::string& text) {
  throw Error(flag + " takes " + wanted + ", not " + in_quotes(text, 60));
}

bool is_in(double value, const NumberRange& r) {
  return (r.above ? value > r.least : value >= r.least) &&
         (r.below ? value < r.most : value <= r.most);
}

}  // namespace

int64_t parse_whole(const std::string& text, const std::string& flag, const WholeRange& range) {
  const auto value = whole_text<int64_t>(text);
  if (!value || *value < range.least || *value > range.most)
    refuse(
        flag,
        "a whole number from " + std::to_string(range.least) + " to " + std::to_string(range.most),
        text);
  return *value;
}

uint64_t parse_seed(const std::string& text, const std::string& flag) {
  const auto value = whole_text<uint64_t>(text);
  if (!value) refuse(flag, "a whole number from 0 to " + std::to_string(UINT64_MAX), text);
  return *value;
}

double parse_number(const std::string& text, const std::string& flag, const NumberRange& range) {
  const auto value = whole_text<double>(text);
  const bool too_large = value && std::isfinite(*value) && *value > FLT_MAX;
  if (!value || !is_in(*value, range))
    refuse(flag, describe(range) + (too_large ? " that float32 holds" : ""), text);
  return *value;
}

double parse_fraction(const std::string& text, const std::string& flag, const NumberRange& range) {
  const auto slash = text.find('/');
  const auto above = whole_text<double>(text.substr(0, slash));
  const auto below = slash == std::string::npos ? 1.0 : whole_text<double>(text.substr(slash + 1));
  if (below == 0.0) throw Error(flag + " divides by 0: " + in_quotes(text, 60));
  const bool finite = above && below && std::isfinite(*below);
  const double value = finite ? *above / *below : NAN;
  if (!is_in(value, range)) refuse(flag, describe(range) + ", such as 8/255 or 0.03", text);
  return value;
}

CLI::Option* add_seed(CLI::App& app, uint64_t& value, const std::string& help) {
  return add_read(app, "--seed", "N", std::to_string(value), help,
                  [&value](const std::string& text, const std::string& flag) {
                    value = parse_seed(text, flag);
                  });
}

CLI::Option* add_number(CLI::App& app, const std::string& names, double& value,
                        const NumberRange& range, const std::string& help) {
  return add_read(app, names, "X", short_text(value), help,
                  [&value, range](const std::string& text, const std::string& flag) {
                    value = parse_number(text, flag, range);
                  });
}
CLI::Option* add_number(CLI::App& app, const std::string& names, std::optional<double>& value,
                        const NumberRange& range, const std::string& help) {
  return add_read(app, names, "X", "", help,
                  [&value, range](const std::string& text, const std::string& flag) {
                    value = parse_number(text, flag, range);
                  });
}

}  // namespace tweed::app
