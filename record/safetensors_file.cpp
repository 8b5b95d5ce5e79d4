// Reading safetensors: the header, which is checked against the file, then single tensors.
#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <vector>

#include "record/foreign_weights.h"
#include "record/safetensors.h"

namespace tweed {
namespace {

using nlohmann::json;
using Entry = SafeTensorsFile::Entry;

// The reference implementation's limit on headers.
constexpr uint64_t max_header_bytes = 100'000'000;
// {"__metadata__": {"key": "value"}}, {"tensor": {"shape": [1]}}
constexpr int deepest = 4;

[[noreturn]] void fail(const InputFile& file, uint64_t place, const std::string& what) {
  throw FormatError(file.path(), int64_t(place), what);
}

std::string tensor_text(const std::string& name) { return "tensor " + in_quotes(name) + ": "; }

uint64_t length_of_header(const std::string& head) {
  if (head.size() < 8) return max_header_bytes + 1;
  uint64_t length = 0;
  for (int i = 7; i >= 0; --i) length = length << 8 | uint8_t(head[std::size_t(i)]);
  return length;
}

// The header's text; its length is in the 8 bytes before it.
std::string read_header(const InputFile& file) {
  const std::string head = file.head(1024);
  const uint64_t length = length_of_header(head);
  const bool plausible = length <= max_header_bytes && length <= file.size() - 8;
  if (!plausible || head.size() < 9 || head[8] != '{')
    if (const std::string what = foreign_weights(file.path(), head); !what.empty())
      fail(file, 0, what);
  if (file.size() < 8)
    fail(file, file.size(), "too short for a safetensors file: its first 8 bytes are missing");
  if (!plausible)
    fail(file, 0,
         "the header's length is given as " + std::to_string(length) + " bytes, in a file of " +
             std::to_string(file.size()) + ": not a safetensors file, or cut short");
  std::string text(length, '\0');
  file.read(8, text.data(), length);
  return text;
}

// Where the entry of `name` stands in the file. Slow, and so for messages alone.
uint64_t entry_place(const InputFile& file, const std::string& name) {
  const std::string text = read_header(file);
  const std::size_t at = text.find(json(name).dump(-1, ' ', false, json::error_handler_t::replace));
  return 8 + (at == std::string::npos ? 0 : at);
}

// ---- entries of the header ---------------------------------------------------------------------

bool is_size(const json& value) { return value.is_number_unsigned(); }

Entry parse_entry(const json& value, const auto& fail) {
  if (!value.is_object() || !value.contains("dtype") || !value.contains("shape") ||
      !value.contains("data_offsets"))
    fail("needs dtype, shape and data_offsets");
  const json &dtype = value["dtype"], &shape = value["shape"], &offsets = value["data_offsets"];
  if (!dtype.is_string()) fail("its dtype is not a string");
  if (!shape.is_array() || !std::all_of(shape.begin(), shape.end(), is_size))
    fail("its shape is not a list of sizes");
  if (shape.size() > std::size_t(Shape::max_axes)) fail("has more than 8 axes");
  if (!offsets.is_array() || offsets.size() != 2 || !is_size(offsets[0]) || !is_size(offsets[1]))
    fail("its data_offsets are not two positions");

  Entry entry{dtype, {}, offsets[0], offsets[1]};
  for (uint64_t n : shape) {
    if (n > uint64_t(std::numeric_limits<int64_t>::max())) fail("has an impossible shape");
    entry.shape.append(int64_t(n));
  }
  return entry;
}

void check_bytes(const Entry& entry, const auto& fail) {
  uint64_t bytes = element_bytes(entry.dtype);
  bool fits = entry.end >= entry.begin;
  if (bytes > 0) {
    for (int64_t n : entry.shape)
      fits = fits && !__builtin_mul_overflow(bytes, uint64_t(n), &bytes);
    fits = fits && entry.end - entry.begin == bytes;
  }
  if (!fits)
    fail("shape " + entry.shape.str() + " of " + printable(entry.dtype, 20) +
         " does not take bytes " + std::to_string(entry.begin) + " to " +
         std::to_string(entry.end));
}

std::map<std::string, std::string> parse_metadata(const json& value, const auto& fail) {
  if (!value.is_object()) fail("the metadata is not a JSON object");
  std::map<std::string, std::string> metadata;
  for (const auto& [name, text] : value.items()) {
    if (!text.is_string()) fail("metadata " + in_quotes(name) + " is not a string");
    metadata[name] = text;
  }
  return metadata;
}

// Takes the header apart while it is parsed, so that a large one is never there as JSON, which
// needs some twenty times its text.
class HeaderParser {
 public:
  HeaderParser(const InputFile& file, std::map<std::string, Entry>& tensors,
               std::map<std::string, std::string>& metadata)
      : file_(file), tensors_(tensors), metadata_(metadata) {}

  void parse(const std::string& text) {
    try {
      const json rest =
          json::parse(text, [this](int depth, json::parse_event_t event, json& value) {
            return on_event(depth, event, value);
          });
      if (!rest.is_object()) fail(file_, 8, "the header is not a JSON object");
    } catch (const json::parse_error& e) {
      fail(file_, 8 + std::min<std::size_t>(e.byte > 0 ? e.byte - 1 : 0, text.size()),
           "the header is not valid JSON");
    } catch (const json::exception&) {
      fail(file_, 8, "the header has a number beyond all bounds");
    }
  }

 private:
  // Returns whether the parser is to keep the value.
  bool on_event(int depth, json::parse_event_t event, json& value) {
    using Event = json::parse_event_t;
    if (depth > deepest) fail(file_, 8, "the header is nested too deep");
    if (depth == 0 && event == Event::array_start)
      fail(file_, 8, "the header is not a JSON object");
    if (depth == 1 && event == Event::key) {
      name_ = value.get_ref<const std::string&>();
      return true;
    }
    const bool ends =
        event == Event::value || event == Event::object_end || event == Event::array_end;
    if (depth != 1 || !ends) return true;
    take(value);
    return false;
  }

  void take(const json& value) {
    if (name_ == "__metadata__") {
      if (std::exchange(has_metadata_, true)) fail(file_, 8, "there are two '__metadata__'");
      metadata_ = parse_metadata(
          value, [&](const std::string& what) { fail(file_, entry_place(file_, name_), what); });
      return;
    }
    const auto wrong = [&](const std::string& what) {
      fail(file_, entry_place(file_, name_), tensor_text(name_) + what);
    };
    Entry entry = parse_entry(value, wrong);
    check_bytes(entry, wrong);
    if (!tensors_.emplace(name_, std::move(entry)).second)
      fail(file_, 8, "two entries are named " + in_quotes(name_));
  }

  const InputFile& file_;
  std::map<std::string, Entry>& tensors_;
  std::map<std::string, std::string>& metadata_;
  std::string name_;  // of the entry that is parsed
  bool has_metadata_ = false;
};

// Tensors follow each other without gap or overlap, and end where the file does.
void check_order(const InputFile& file, uint64_t data,
                 const std::map<std::string, Entry>& tensors) {
  using Item = std::pair<const std::string, Entry>;
  std::vector<const Item*> order;
  for (const Item& item : tensors) order.push_back(&item);
  std::sort(order.begin(), order.end(), [](const Item* a, const Item* b) {
    return std::pair(a->second.begin, a->second.end) < std::pair(b->second.begin, b->second.end);
  });
  uint64_t end = 0;
  for (const Item* item : order) {
    const auto& [name, entry] = *item;
    if (entry.begin != end)
      fail(file, entry_place(file, name),
           "tensor " + in_quotes(name) + " begins at " + std::to_string(entry.begin) +
               (entry.begin < end ? ", inside the one before it, which ends at "
                                  : ", after a gap: the one before it ends at ") +
               std::to_string(end));
    end = entry.end;
  }
  const uint64_t there = file.size() - data;
  if (end > there)
    fail(file, file.size(),
         "the file ends here, " + std::to_string(end - there) +
             " bytes before its last tensor does: cut short");
  if (end < there) fail(file, data + end, "the tensors end here, but the file goes on");
}

}  // namespace

SafeTensorsFile::SafeTensorsFile(const std::string& path) : TensorFile(path) {
  const std::string text = read_header(file_);
  data_ = 8 + text.size();
  HeaderParser(file_, tensors_, metadata_).parse(text);
  check_order(file_, data_, tensors_);
}

int64_t SafeTensorsFile::elements() const {
  int64_t sum = 0;
  for (const auto& [name, entry] : tensors_)
    sum += int64_t((entry.end - entry.begin) / std::max<uint64_t>(1, element_bytes(entry.dtype)));
  return sum;
}

void SafeTensorsFile::read_numbers(const std::string& name, void* to) const {
  const Entry& entry = tensors_.at(name);
  file_.read(data_ + entry.begin, to, entry.end - entry.begin);
}

uint64_t SafeTensorsFile::place_of(const std::string& name) const {
  return entry_place(file_, name);
}

uint64_t SafeTensorsFile::numbers_at(const std::string& name) const {
  return data_ + tensors_.at(name).begin;
}

}  // namespace tweed
