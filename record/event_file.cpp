#include "record/event_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstring>
#include <vector>

#include "data/read_file.h"
#include "data/whole_file.h"
#include "kernels/machine/error.h"

namespace tweed {

uint32_t crc32c(std::string_view bytes) {
  static const std::array<uint32_t, 256> table = [] {
    std::array<uint32_t, 256> t{};
    for (uint32_t i = 0; i < 256; ++i) {
      t[i] = i;
      for (int bit = 0; bit < 8; ++bit) t[i] = (t[i] >> 1) ^ (t[i] & 1 ? 0x82f63b78u : 0);
    }
    return t;
  }();
  uint32_t crc = ~0u;
  for (char c : bytes) crc = (crc >> 8) ^ table[(crc ^ uint8_t(c)) & 255];
  return ~crc;
}

namespace {

static_assert(std::endian::native == std::endian::little);

// A file of the images of some thousand epochs.
constexpr uint64_t most_bytes = uint64_t(4) << 30;

// A sum kept beside the data that it is of would be odd where that holds sums of its own.
uint32_t masked(uint32_t crc) { return ((crc >> 15) | (crc << 17)) + 0xa282ead8u; }

template <class T>
std::string bytes_of(T value) {
  std::string bytes(sizeof value, '\0');
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

// ---- protocol buffers: https://protobuf.dev/programming-guides/encoding

enum Wire { varint = 0, fixed64 = 1, delimited = 2, fixed32 = 5 };

std::string number(uint64_t value) {
  std::string bytes;
  for (; value >= 128; value >>= 7) bytes += char(value | 128);
  return bytes + char(value);
}
std::string key(int field, Wire wire) { return number(uint64_t(field) << 3 | uint64_t(wire)); }
std::string field(int n, uint64_t value) { return key(n, varint) + number(value); }
std::string field(int n, double value) { return key(n, fixed64) + bytes_of(value); }
std::string field(int n, float value) { return key(n, fixed32) + bytes_of(value); }
std::string field(int n, std::string_view bytes) {
  return key(n, delimited) + number(bytes.size()) + std::string(bytes);
}
std::string packed(int n, const std::vector<double>& values) {
  std::string bytes(values.size() * sizeof(double), '\0');
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return field(n, bytes);
}

// ---- records

std::string record_of(std::string_view data) {
  const std::string length = bytes_of(uint64_t(data.size()));
  return length + bytes_of(masked(crc32c(length))) + std::string(data) +
         bytes_of(masked(crc32c(data)));
}

template <class T>
T read(std::string_view bytes, std::size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

// The step of an event as this file writes them: after its time (9 bytes) there is field 2, unless
// the step is 0.
int64_t step_of(std::string_view event) {
  constexpr std::size_t after_time = 9;
  if (event.size() <= after_time || event[after_time] != key(2, varint)[0]) return 0;
  uint64_t step = 0;
  for (std::size_t i = after_time + 1, shift = 0; i < event.size() && shift < 63; ++i, shift += 7) {
    step |= uint64_t(event[i] & 127) << shift;
    if (!(event[i] & 128)) break;
  }
  return int64_t(step);
}

// How many bytes of whole records there are up to the first of a later step.
std::size_t kept_bytes(std::string_view bytes, int64_t last) {
  constexpr std::size_t head = 12, foot = 4;
  std::size_t at = 0;
  while (bytes.size() - at >= head + foot) {
    const uint64_t length = read<uint64_t>(bytes, at);
    if (read<uint32_t>(bytes, at + 8) != masked(crc32c(bytes.substr(at, 8)))) break;
    if (length > bytes.size() - at - head - foot) break;
    const std::string_view data = bytes.substr(at + head, length);
    if (read<uint32_t>(bytes, at + head + length) != masked(crc32c(data))) break;
    if (step_of(data) > last) break;
    at += head + length + foot;
  }
  return at;
}

std::string kept_records(const std::string& path, int64_t last) {
  struct stat there;
  if (::stat(path.c_str(), &there) != 0 && errno == ENOENT) return "";
  const InputFile file(path);  // also if nothing is kept: a pipe in its place is refused
  if (last < 0) return "";
  std::string bytes = file.read_all(most_bytes);
  bytes.resize(kept_bytes(bytes, last));
  return bytes;
}

double seconds_since_1970() {
  using namespace std::chrono;
  return duration<double>(system_clock::now().time_since_epoch()).count();
}

}  // namespace

EventFile::EventFile(const std::string& path, int64_t kept) : path_(path) {
  std::string records = kept_records(path, kept);
  const bool goes_on = !records.empty();
  if (!goes_on) records = record_of(field(1, seconds_since_1970()) + field(3, "brain.Event:2"));
  WholeFile fresh(path);
  fresh.write(records);
  fresh.commit(goes_on);
  file_ =
      ::open(path.c_str(), O_WRONLY | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (file_ < 0) fail_to_write(path);
}

EventFile::~EventFile() { ::close(file_); }

// A summary of one value.
void EventFile::event(int64_t step, std::string_view value) {
  std::string data = field(1, time_ > 0 ? time_ : seconds_since_1970());
  if (step > 0) data += field(2, uint64_t(step));
  waiting_ += record_of(data + field(5, field(1, value)));
}

void EventFile::scalar(const std::string& tag, int64_t step, double value) {
  event(step, field(1, tag) + field(2, float(value)));
}

void EventFile::image(const std::string& tag, int64_t step, const Image& image) {
  constexpr uint64_t rgb = 3;
  const std::string value = field(1, uint64_t(image.height)) + field(2, uint64_t(image.width)) +
                            field(3, rgb) + field(4, encode_png(image));
  event(step, field(1, tag) + field(4, value));
}

// Equal steps between the smallest value and the largest; TensorBoard makes its own from them.
void EventFile::histogram(const std::string& tag, int64_t step, std::span<const float> values) {
  constexpr std::size_t buckets = 64;
  double low = INFINITY, high = -INFINITY, count = 0, sum = 0, squares = 0;
  for (float v : values) {
    if (!std::isfinite(v)) continue;
    low = std::min(low, double(v));
    high = std::max(high, double(v));
    ++count;
    sum += double(v);
    squares += double(v) * double(v);
  }
  if (count == 0) return;
  const double width = high > low ? (high - low) / double(buckets) : 1;
  std::vector<double> limits, counts(high > low ? buckets : 1);
  for (std::size_t i = 0; i < counts.size(); ++i) limits.push_back(low + width * double(i + 1));
  if (high > low) limits.back() = high;
  for (float v : values)
    if (std::isfinite(v))
      ++counts[std::min(counts.size() - 1, std::size_t((double(v) - low) / width))];
  event(step,
        field(1, tag) + field(5, field(1, low) + field(2, high) + field(3, count) + field(4, sum) +
                                     field(5, squares) + packed(6, limits) + packed(7, counts)));
}

void EventFile::text(const std::string& tag, int64_t step, std::string_view text) {
  constexpr uint64_t of_strings = 7;
  const std::string one = field(2, field(1, uint64_t(1)));  // a shape of one element
  const std::string tensor = field(1, of_strings) + field(2, one) + field(8, text);
  const std::string plugin = field(1, field(1, "text"));
  event(step, field(1, tag) + field(8, tensor) + field(9, plugin));
}

void EventFile::flush() {
  if (waiting_.empty()) return;
  const off_t size = ::lseek(file_, 0, SEEK_END);
  try {
    write_fully(file_, waiting_.data(), waiting_.size(), path_);
  } catch (const Error&) {
    // Where even that fails, half a record stays, which the next opening drops.
    [[maybe_unused]] const int cut = ::ftruncate(file_, size);
    throw;
  }
  waiting_.clear();
}

}  // namespace tweed
