// TensorBoard's event files: numbers, images, histograms and texts under tags, step by step.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "data/image.h"

namespace tweed {

/// Appends events to a file that TensorBoard reads; the folder that it is in is what TensorBoard
/// calls a run. The file's name has to contain "tfevents".
///
///   EventFile events("runs/train/tensorboard/" + EventFile::name);
///   events.scalar("data/training_loss", 10, 2.31);
///   events.flush();
///
/// Records are TFRecords (a length and the bytes, each with a masked CRC-32C) of the protocol
/// buffer `tensorflow.Event`. Owned by one thread.
class EventFile {
 public:
  static constexpr const char* name = "events.out.tfevents.0.tweed";

  /// Opens `path` for appending, after dropping what a resumed run will write again: every record
  /// from the first on whose step is above `kept`, or which is damaged. Below 0 the file is new.
  ///
  /// @throws Error  "PATH: cannot be written: REASON", as does flush(); FormatError if something
  ///                else than a file stands there
  explicit EventFile(const std::string& path, int64_t kept = -1);
  ~EventFile();
  EventFile(const EventFile&) = delete;
  EventFile& operator=(const EventFile&) = delete;

  // Nothing is written before flush().
  void scalar(const std::string& tag, int64_t step, double value);
  void image(const std::string& tag, int64_t step, const Image& image);
  /// Of the finite values; nothing if there are none.
  void histogram(const std::string& tag, int64_t step, std::span<const float> values);
  /// @param text  Markdown
  void text(const std::string& tag, int64_t step, std::string_view text);
  void flush();
  /// The time that events are given, in seconds since 1970; 0: that of each call.
  void set_time(double seconds) { time_ = seconds; }

 private:
  void event(int64_t step, std::string_view value);

  std::string path_, waiting_;
  int file_ = -1;
  double time_ = 0;
};

/// CRC-32C (Castagnoli) of some bytes, as iSCSI has it (RFC 3720).
uint32_t crc32c(std::string_view bytes);

}  // namespace tweed
