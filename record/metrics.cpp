#include "record/metrics.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

#include "data/whole_file.h"
#include "kernels/machine/error.h"

namespace tweed {
namespace {

// The lines of earlier epochs, up to the first that is later or damaged.
std::string kept_lines(const std::string& path, int64_t epochs) {
  std::string kept, line;
  if (epochs <= 0) return kept;
  std::ifstream in(path);
  while (std::getline(in, line) && !in.eof()) {  // a last line without its end is damaged
    auto values = nlohmann::json::parse(line, nullptr, false);
    if (!values.is_object()) break;
    auto epoch = values.find("epoch");
    if (epoch != values.end() && epoch->is_number() && epoch->get<double>() > double(epochs)) break;
    kept += line + "\n";
  }
  return kept;
}

}  // namespace

MetricsFile::MetricsFile(const std::string& path, int64_t epochs_kept) : path_(path) {
  WholeFile fresh(path);
  fresh.write(kept_lines(path, epochs_kept));
  fresh.commit();
  file_ = ::open(path.c_str(), O_WRONLY | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
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

std::vector<double> read_metric(const std::string& path, const std::string& name) {
  std::ifstream in(path);
  if (!in) throw FormatError(path, std::string("cannot be read: ") + std::strerror(errno));
  std::vector<double> values;
  std::string line;
  for (int64_t offset = 0; std::getline(in, line); offset += int64_t(line.size()) + 1) {
    auto object = nlohmann::json::parse(line, nullptr, false);
    if (!object.is_object()) throw FormatError(path, offset, "the line is not a JSON object");
    auto found = object.find(name);
    if (found != object.end() && found->is_number()) values.push_back(*found);
  }
  return values;
}

}  // namespace tweed
