#include "record/safetensors.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <vector>

#include "data/read_file.h"
#include "data/whole_file.h"

namespace tweed {
namespace {

using nlohmann::json;

// The reference implementation's limit on headers.
constexpr uint64_t max_header_bytes = 100'000'000;

const char* format_name(DType t) {
  switch (t) {
    case DType::float32:
      return "F32";
    case DType::float64:
      return "F64";
    case DType::bfloat16:
      return "BF16";
    case DType::int32:
      return "I32";
    default:
      return "U8";
  }
}

// ---- writing ---------------------------------------------------------------------------------

using NamedTensor = std::pair<std::string, Tensor>;

// Wide elements first, as the reference implementation writes them: each tensor is then aligned to
// its elements, and a reader can use the mapped file as it is.
std::vector<NamedTensor> in_file_order(const SafeTensors& content) {
  std::vector<NamedTensor> order(content.tensors.begin(), content.tensors.end());
  std::stable_sort(order.begin(), order.end(), [](const NamedTensor& a, const NamedTensor& b) {
    return size_of(a.second.dtype()) > size_of(b.second.dtype());
  });
  return order;
}

std::string make_header(const SafeTensors& content, const std::vector<NamedTensor>& order) {
  json header = json::object();  // sorted by key
  if (!content.metadata.empty()) header["__metadata__"] = content.metadata;
  std::size_t offset = 0;
  for (const auto& [name, t] : order) {
    if (name == "__metadata__") throw Error("[write_safetensors] no tensor may be named " + name);
    header[name] = {{"dtype", format_name(t.dtype())},
                    {"shape", std::vector<int64_t>(t.shape().begin(), t.shape().end())},
                    {"data_offsets", {offset, offset + t.bytes()}}};
    offset += t.bytes();
  }
  std::string text = header.dump(-1, ' ', false, json::error_handler_t::replace);
  text.resize((text.size() + 7) / 8 * 8, ' ');
  return text;
}

const void* host_bytes(const Tensor& t) {
  return with_type(t.dtype(), [&]<class T>() -> const void* { return t.read<T>().data(); });
}

// ---- reading ---------------------------------------------------------------------------------

// An open file whose faults are named with the byte.
class Reader : public InputFile {
 public:
  using InputFile::InputFile;
  [[noreturn]] void fail(uint64_t offset, const std::string& what) const {
    throw FormatError(path(), int64_t(offset), what);
  }
};

struct Header {
  std::string text;
  json content;
  /// Where the tensors' bytes begin in the file.
  uint64_t data() const { return 8 + text.size(); }
  /// Where the entry of `name` stands in the file.
  uint64_t place_of(const std::string& name) const {
    std::size_t at = text.find(json(name).dump(-1, ' ', false, json::error_handler_t::replace));
    return 8 + (at == std::string::npos ? 0 : at);
  }
};

struct Entry {
  std::string name;
  std::string dtype;
  Shape shape;
  uint64_t begin = 0, end = 0;  // from the start of the tensors' bytes
};

json parse_header(const Reader& file, const std::string& text) {
  std::set<std::string> names;
  auto refuse_twins = [&](int depth, json::parse_event_t event, json& value) {
    if (depth == 1 && event == json::parse_event_t::key) {
      auto name = value.get<std::string>();
      if (!names.insert(name).second) file.fail(8, "two entries are named '" + name + "'");
    }
    return true;
  };
  try {
    return json::parse(text, refuse_twins);
  } catch (const json::parse_error& e) {
    file.fail(8 + std::min<std::size_t>(e.byte > 0 ? e.byte - 1 : 0, text.size()),
              "the header is not valid JSON");
  }
}

Header read_header(const Reader& file) {
  if (file.size() < 8)
    file.fail(file.size(), "too short for a safetensors file: its first 8 bytes are missing");
  unsigned char bytes[8];
  file.read(0, bytes, 8);
  uint64_t length = 0;
  for (int i = 7; i >= 0; --i) length = length << 8 | bytes[i];
  if (length > max_header_bytes || length > file.size() - 8)
    file.fail(0, "the header's length is given as " + std::to_string(length) +
                     " bytes, in a file of " + std::to_string(file.size()) +
                     ": not a safetensors file, or cut short");
  Header header;
  header.text.resize(length);
  file.read(8, header.text.data(), length);
  header.content = parse_header(file, header.text);
  if (!header.content.is_object()) file.fail(8, "the header is not a JSON object");
  return header;
}

std::map<std::string, std::string> parse_metadata(const Reader& file, const Header& header) {
  std::map<std::string, std::string> metadata;
  auto found = header.content.find("__metadata__");
  if (found == header.content.end()) return metadata;
  uint64_t place = header.place_of("__metadata__");
  if (!found->is_object()) file.fail(place, "the metadata is not a JSON object");
  for (const auto& [name, value] : found->items()) {
    if (!value.is_string()) file.fail(place, "metadata '" + name + "' is not a string");
    metadata[name] = value;
  }
  return metadata;
}

bool is_size(const json& value) { return value.is_number_unsigned(); }

Entry parse_entry(const Reader& file, const Header& header, const std::string& name,
                  const json& value) {
  auto fail = [&](const std::string& what) {
    file.fail(header.place_of(name), "tensor '" + name + "': " + what);
  };
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

  Entry entry{name, dtype, {}, offsets[0], offsets[1]};
  for (uint64_t n : shape) {
    if (n > uint64_t(std::numeric_limits<int64_t>::max())) fail("has an impossible shape");
    entry.shape.append(int64_t(n));
  }
  return entry;
}

std::size_t element_bytes(const Reader& file, const Header& header, const Entry& entry) {
  static const std::map<std::string, std::size_t> known = {
      {"F32", 4}, {"F64", 8}, {"BF16", 2}, {"I32", 4}, {"U8", 1}, {"F16", 2}, {"I64", 8}};
  auto found = known.find(entry.dtype);
  if (found == known.end())
    file.fail(header.place_of(entry.name), "tensor '" + entry.name + "': dtype " + entry.dtype +
                                               " is not one of F32, F64, BF16, F16, I32, I64, U8");
  return found->second;
}

void check_bytes(const Reader& file, const Header& header, const Entry& entry) {
  uint64_t bytes = element_bytes(file, header, entry);
  bool fits = true;
  for (int64_t n : entry.shape) fits = fits && !__builtin_mul_overflow(bytes, uint64_t(n), &bytes);
  if (!fits || entry.end < entry.begin || entry.end - entry.begin != bytes)
    file.fail(header.place_of(entry.name),
              "tensor '" + entry.name + "': shape " + entry.shape.str() + " of " + entry.dtype +
                  " does not take bytes " + std::to_string(entry.begin) + " to " +
                  std::to_string(entry.end));
}

// Tensors follow each other without gap or overlap, and end where the file does.
void check_order(const Reader& file, const Header& header, std::vector<Entry>& entries) {
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  uint64_t end = 0;
  for (const Entry& entry : entries) {
    if (entry.begin != end)
      file.fail(header.place_of(entry.name),
                "tensor '" + entry.name + "' begins at " + std::to_string(entry.begin) +
                    (entry.begin < end ? ", inside the one before it, which ends at "
                                       : ", after a gap: the one before it ends at ") +
                    std::to_string(end));
    end = entry.end;
  }
  uint64_t there = file.size() - header.data();
  if (end > there)
    file.fail(file.size(), "the file ends here, " + std::to_string(end - there) +
                               " bytes before its last tensor does: cut short");
  if (end < there) file.fail(header.data() + end, "the tensors end here, but the file goes on");
}

float half_to_float(uint16_t h) {
  uint32_t sign = uint32_t(h & 0x8000) << 16, exponent = h >> 10 & 31, fraction = h & 1023;
  if (exponent == 31) return bits_float(sign | 0x7f800000 | fraction << 13);
  if (exponent > 0) return bits_float(sign | (exponent + 112) << 23 | fraction << 13);
  float subnormal = float(fraction) * 0x1p-24f;
  return sign ? -subnormal : subnormal;
}

template <class From>
std::vector<From> read_raw(const Reader& file, uint64_t offset, const Entry& entry) {
  std::vector<From> raw(std::size_t(entry.shape.size()));
  file.read(offset, raw.data(), raw.size() * sizeof(From));
  return raw;
}

Tensor read_f16(const Reader& file, uint64_t offset, const Entry& entry) {
  auto raw = read_raw<uint16_t>(file, offset, entry);
  std::vector<float> values(raw.size());
  std::transform(raw.begin(), raw.end(), values.begin(), half_to_float);
  return Tensor::from(values, entry.shape);
}

Tensor read_i64(const Reader& file, uint64_t offset, const Entry& entry) {
  auto raw = read_raw<int64_t>(file, offset, entry);
  std::vector<int32_t> values(raw.size());
  for (std::size_t i = 0; i < raw.size(); ++i) {
    values[i] = int32_t(raw[i]);
    if (values[i] != raw[i])
      file.fail(offset + 8 * i,
                "tensor '" + entry.name + "': " + std::to_string(raw[i]) + " is beyond int32");
  }
  return Tensor::from(values, entry.shape);
}

Tensor read_tensor(const Reader& file, const Header& header, const Entry& entry) {
  uint64_t offset = header.data() + entry.begin;
  if (entry.dtype == "F16") return read_f16(file, offset, entry);
  if (entry.dtype == "I64") return read_i64(file, offset, entry);
  static const std::map<std::string, DType> same = {{"F32", DType::float32},
                                                    {"F64", DType::float64},
                                                    {"BF16", DType::bfloat16},
                                                    {"I32", DType::int32},
                                                    {"U8", DType::uint8}};
  Tensor t = Tensor::empty(entry.shape, same.at(entry.dtype));
  with_type(t.dtype(), [&]<class T>() { file.read(offset, t.write<T>().data(), t.bytes()); });
  return t;
}

}  // namespace

void write_safetensors(const std::string& path, const SafeTensors& content) {
  std::vector<NamedTensor> order = in_file_order(content);
  std::string header = make_header(content, order);
  unsigned char length[8];
  for (int i = 0; i < 8; ++i) length[i] = static_cast<unsigned char>(header.size() >> 8 * i);

  WholeFile file(path);
  file.write(length, sizeof length);
  file.write(header);
  for (const auto& [name, t] : order) {
    Tensor host = t.to(Device{});
    file.write(host_bytes(host), host.bytes());
  }
  file.commit();
}

SafeTensors read_safetensors(const std::string& path) {
  Reader file(path);
  Header header = read_header(file);
  SafeTensors content;
  content.metadata = parse_metadata(file, header);
  std::vector<Entry> entries;
  for (const auto& [name, value] : header.content.items()) {
    if (name == "__metadata__") continue;
    entries.push_back(parse_entry(file, header, name, value));
    check_bytes(file, header, entries.back());
  }
  check_order(file, header, entries);
  for (const Entry& entry : entries) content.tensors[entry.name] = read_tensor(file, header, entry);
  return content;
}

}  // namespace tweed
