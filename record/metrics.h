// metrics.jsonl, iterations.jsonl: what was measured after each epoch or step, a JSON object a
// line.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace tweed {

/// What a file of them may take: a line for each of some millions of steps.
constexpr uint64_t most_metrics_bytes = uint64_t(1) << 30;

/// A name and its value. NaN and infinity become null, since JSON has no such numbers.
using Metric = std::pair<std::string, std::variant<int64_t, double, std::string>>;

/// Appends lines, each of them handed to the system at once, so that a crash loses none. Owned by
/// one thread.
class MetricsFile {
 public:
  /// Opens `path` for appending, after dropping what a resumed run will write again: every line
  /// from the first on whose `key` is above `kept`, or which is damaged. 0 starts an empty file.
  ///
  /// @throws Error  "PATH: cannot be written: REASON", as does append(); FormatError if something
  ///                else than a file stands there
  explicit MetricsFile(const std::string& path, int64_t kept = 0, const std::string& key = "epoch");
  ~MetricsFile();
  MetricsFile(const MetricsFile&) = delete;
  MetricsFile& operator=(const MetricsFile&) = delete;

  /// One line, with the names in the order given: {{"epoch", int64_t{1}}, {"train_loss", 2.31}}.
  /// What fails to be written leaves the lines before it as they were.
  void append(const std::vector<Metric>& values);

 private:
  std::string path_;
  int file_ = -1;
};

/// The numbers named `name` in the lines of a metrics file, in order; lines without it are left
/// out, or count as `otherwise`.
/// @throws FormatError  if there is no such file, or a line is not JSON
std::vector<double> read_metric(const std::string& path, const std::string& name,
                                std::optional<double> otherwise = {});

}  // namespace tweed
