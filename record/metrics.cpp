#include "record/metrics.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <nlohmann/json.hpp>
#include <string_view>

#include "data/parse_json.h"
#include "data/read_file.h"
#include "data/whole_file.h"
#include "kernels/machine/error.h"

namespace tweed {
namespace {

// {"epoch": 1, ...}: nothing in it has parts.
constexpr int deepest = 4;

// Calls f(line without its end, its place, whether it has an end) until f returns false.
template <class F>
void for_each_line(std::string_view text, F f) {
  for (std::size_t place = 0; place < text.size();) {
    const std::size_t end = text.find('\n', place);
    if (!f(text.substr(place, end - place), place, end != text.npos)) return;
    place = end == text.npos ? end : end + 1;
  }
}

// The lines of earlier epochs or steps, up to the first that is later or damaged.
std::string kept_lines(const std::string& path, int64_t last, const std::string& key) {
  struct stat there;
  if (::stat(path.c_str(), &there) != 0 && errno == ENOENT) return "";
  // Also if nothing is kept: a pipe in its place is refused, and not waited for.
  const InputFile file(path);
  if (last <= 0) return "";
  const std::string text = file.read_all(most_metrics_bytes);
  std::string kept;
  for_each_line(text, [&](std::string_view line, std::size_t, bool whole) {
    const auto values = try_parse_json(line, deepest);
    if (!whole || !values || !values->is_object()) return false;
    const auto found = values->find(key);
    const bool later =
        found != values->end() && found->is_number() && found->get<double>() > double(last);
    if (!later) kept.append(line).append("\n");
    return !later;
  });
  return kept;
}

}  // namespace

MetricsFile::MetricsFile(const std::string& path, int64_t kept, const std::string& key)
    : path_(path) {
  const std::string lines = kept_lines(path, kept, key);
  WholeFile fresh(path);
  fresh.write(lines);
  fresh.commit(!lines.empty());
  file_ =
      ::open(path.c_str(), O_WRONLY | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (file_ < 0) fail_to_write(path);
}

MetricsFile::~MetricsFile() { ::close(file_); }

void MetricsFile::append(const std::vector<Metric>& values) {
  nlohmann::ordered_json line = nlohmann::ordered_json::object();
  for (const auto& [name, value] : values)
    std::visit([&, &name = name](const auto& v) { line[name] = v; }, value);
  std::string text =
      line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
  const off_t size = ::lseek(file_, 0, SEEK_END);
  try {
    write_fully(file_, text.data(), text.size(), path_);
  } catch (const Error&) {
    // Where even that fails, half a line stays, which the next opening drops.
    [[maybe_unused]] const int cut = ::ftruncate(file_, size);
    throw;
  }
}

std::vector<double> read_metric(const std::string& path, const std::string& name,
                                std::optional<double> otherwise) {
  const std::string text = read_file(path, most_metrics_bytes);
  std::vector<double> values;
  for_each_line(text, [&](std::string_view line, std::size_t place, bool) {
    const auto object = try_parse_json(line, deepest);
    if (!object || !object->is_object())
      throw FormatError(path, int64_t(place), "the line is not a JSON object");
    const auto found = object->find(name);
    if (found != object->end() && found->is_number())
      values.push_back(*found);
    else if (otherwise)
      values.push_back(*otherwise);
    return true;
  });
  return values;
}

}  // namespace tweed
